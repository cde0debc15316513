/** The first frame of an image that may move by itself: no style can hold it, and a canvas draws none but the first. */
export function stillOf(image: HTMLImageElement): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.setAttribute('aria-hidden', 'true');
  const draw = (): void => {
    // Without a width there is nothing that could be drawn, and trying to would throw.
    if (image.naturalWidth > 0) canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  };
  // As a rule it is there: a copy of one that has come.
  if (image.complete) draw();
  else image.addEventListener('load', draw, { once: true });
  return canvas;
}
