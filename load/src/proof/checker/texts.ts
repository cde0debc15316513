/** What nobody needs to clean. */
const PLAIN = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;
/** By which a message that has to be cleaned is still known. */
const MARK = /#\d+#/;
const FORBIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
const MARKS_MAX = 3;

/** A plain message is shown as it is; another one cleaned, but never as somebody else's. */
export function isSameText(told: string, paid: string): boolean {
  if (PLAIN.test(paid) || paid === '') return told === paid;
  const mark = MARK.exec(paid)?.[0] ?? '';
  return told.includes(mark) && isClean(told);
}

/** The text of a whole alert has the message somewhere in it. */
export function isShownIn(text: string, paid: string): boolean {
  return PLAIN.test(paid) ? text.includes(paid) : text.includes(MARK.exec(paid)?.[0] ?? '') && isClean(text);
}

function isClean(text: string): boolean {
  return !FORBIDDEN.test(text) && !new RegExp(`\\p{M}{${String(MARKS_MAX + 1)}}`, 'u').test(text);
}
