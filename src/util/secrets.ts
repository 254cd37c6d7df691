/** What must not be shown: in logs, in messages, in the description of a configuration. */

const secretName =
  /password|passphrase|passwd|secret|token|credential|jaas|oauthbearer|access_?key|api_?key|private_?key|(^|[._])key([._]|$)|pem$/i;

/** The name of a field or setting whose value is never shown. */
export const isSecretName = (name: string): boolean => secretName.test(name);

/** An address without what may be a secret in it: all before the last `@`, and the query. */
export function hideCredentials(address: string): string {
  return address.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1…@').replace(/\?.*$/s, '?…');
}
