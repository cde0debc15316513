import type { Provider, Type } from '@nestjs/common';
import { AssetsController } from './assets.controller.js';
import { AssetsService } from './assets.service.js';
import { ImagePress } from './image-press.js';
import { MediaController } from './media.controller.js';
import { MediaTurns } from './media-turns.js';

/** Creators' own images and sounds: uploading them, and handing them to pages. */
export const assetControllers: Type[] = [AssetsController, MediaController];
export const assetProviders: Provider[] = [ImagePress, AssetsService, MediaTurns];
