import type { TestProject } from 'vitest/node';
import { findKubernetesTools } from './tools.js';

export default function setup(project: TestProject): void {
  const { kubectlPath, modelsDir } = findKubernetesTools();
  project.provide('kubectlPath', kubectlPath);
  project.provide('kubernetesModelsDir', modelsDir);
}
