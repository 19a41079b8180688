/**
 * The scaled operator of test/support, its compiled code kept between starts: a run of this suite starts some hundreds.
 *
 * Usage: node test/crash/operator.ts FACTOR [FLAG ...]
 */
import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('../support/scaled-operator.ts');
