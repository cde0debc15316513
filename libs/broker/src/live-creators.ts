import { within, type Presence } from '@droppio/tips';

/** A nudge has little time; whether it goes first is worth less of it than that it goes. */
const ANSWER_MS = 300;

/** Whether overlays wait on a creator, where the one who nudges cannot know. In doubt nobody does: it is only about who goes first. */
export async function isLive(presence: Presence | undefined, creatorId: string): Promise<boolean> {
  if (presence === undefined) return false;
  try {
    return (await within(ANSWER_MS, 'presence', presence.counts([creatorId]))).size > 0;
  } catch {
    return false;
  }
}
