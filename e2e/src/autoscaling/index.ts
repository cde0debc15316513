export { findKubernetesTools } from '../services/kubernetes/tools.js';
export { K8S, kustomize, type Manifest } from '../manifests/kustomize.js';
export { scalersIn, type Scaler } from '../manifests/scaling.js';
export * from './forecast.js';
export * from './horizontal-autoscaler.js';
export * from './replicas-wanted.js';
export * from './surroundings.js';
