// The project's own rules, for probes that are not files on disk: rules that need types cannot look at those.
import tseslint from 'typescript-eslint';
import config from '../../eslint.config.mjs';

export default [
  ...config,
  { ...tseslint.configs.disableTypeChecked, files: ['**/*.ts'] },
  { files: ['**/*.ts'], languageOptions: { parserOptions: { projectService: false } } },
];
