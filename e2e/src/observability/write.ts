import { writeFileSync } from 'node:fs';
import { GENERATORS } from './generated.js';

// `npm run observability`: writes everything that is generated from something else.
for (const generate of GENERATORS) for (const [path, text] of generate()) writeFileSync(path, text);
