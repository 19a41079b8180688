import type { DownloadSites } from '../../../../sandbox/binaries/download.ts';

/** Sites at which nobody listens (port 3 is no one's): the machine without internet. */
export const unreachableSites: DownloadSites = {
  envtestIndex: 'http://127.0.0.1:3/envtest-releases.yaml',
  kubernetes: 'http://127.0.0.1:3/release',
  helm: 'http://127.0.0.1:3/helm',
};
