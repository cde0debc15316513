import { defaultClientConditions, defineConfig } from 'vite';

export default defineConfig({
  // Relative, so that the page works under /overlay/ and anywhere else.
  base: './',
  resolve: { conditions: ['@droppio/source', ...defaultClientConditions] },
  build: {
    // OBS 30 carries Chrome 103, OBS 31 and 32 carry 127.
    target: 'chrome103',
    modulePreload: false,
    // No data: URLs: the page's content security policy allows its own origin only.
    assetsInlineLimit: 0,
    emptyOutDir: true,
  },
});
