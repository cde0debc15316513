import type { AssetKind, LookChange, OverlayConfig } from '@droppio/tips';

export interface NamedAsset {
  readonly kind: AssetKind;
  readonly id: string;
  /** JSON pointer into the document. */
  readonly pointer: string;
}

/** What a config names of the creator's own images and sounds; built-in ones are not. */
export function namedAssets({ defaults, tiers }: OverlayConfig): readonly NamedAsset[] {
  return [...inLook(defaults, '/defaults'), ...tiers.flatMap(({ override }, at) => inLook(override, `/tiers/${String(at)}/override`))];
}

function inLook(look: Pick<LookChange, AssetKind>, at: string): NamedAsset[] {
  return (['image', 'sound'] as const).flatMap((kind) => {
    const id = look[kind]?.asset;
    return id?.startsWith('ast_') === true ? [{ kind, id, pointer: `${at}/${kind}/asset` }] : [];
  });
}
