/** The names by which users and other tools know leaseholder's objects. None of them may ever change in v1alpha1. */

export const GROUP = 'leaseholder.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

/** Keeps an object until its leases are revoked or otherwise settled. */
export const FINALIZER = `${GROUP}/lease`;

/** Keeps a connection for as long as leases need it to be revoked. */
export const CONNECTION_FINALIZER = `${GROUP}/connection`;

/** Marks every Secret that the operator writes; the operator watches Secrets with this label only. */
export const MANAGED_LABEL = `${GROUP}/managed`;
export const MANAGED_VALUE = 'true';

/** The commit record of a Secret: which lease its data came from. */
export const RECORD_ANNOTATION = `${GROUP}/lease`;

/** On a Secret: the name of the DynamicSecretLease of its namespace that may take it over, if that one's spec says so. */
export const ADOPT_ANNOTATION = `${GROUP}/adopt-by`;

/** On a DynamicSecretLease: a value that it did not have before asks for a new lease now. */
export const ROTATE_ANNOTATION = `${GROUP}/rotate`;

/**
 * On a DynamicSecretLease: where leases were asked for, written before the first request. A process that ends between
 * its request and its next write leaves no other trace of the place, and the spec may name another one by then.
 */
export const ASKED_ANNOTATION = `${GROUP}/asked`;

/** The key of `config` under which a request for a lease says whose it is. */
export const TAG_KEY = 'leaseholder';

/** The field manager of every write. */
export const FIELD_MANAGER = 'leaseholder';

/** Keeps a DynamicSecret until its dynamic secret is removed from the server, or left there as declared. */
export const DYNAMIC_SECRET_FINALIZER = `${GROUP}/dynamic-secret`;

/** On a DynamicSecret, with the value true: its dynamic secret may be removed though its leases could not be revoked. */
export const FORCE_DELETE_ANNOTATION = `${GROUP}/force-delete`;

/** The key of a dynamic secret's metadata that says which object it was made for: that object's uid. */
export const OBJECT_METADATA_KEY = 'leaseholder-object';
