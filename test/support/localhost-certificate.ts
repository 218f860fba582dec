import { getCACertificates, setDefaultCACertificates } from 'node:tls';

/** A certificate for `localhost` that it signed itself, valid until 2120, and its key. Of no use outside of tests. */
export const LOCALHOST = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgiL5KtUekm63ei0MC
xvAURYNhr/PWUhDUeHb2F/FzDnahRANCAASkYzk4yeVif/Keg3VySMoLCdzxbs1t
Fxxz3x68NgNOYOvJOhPh4KkaNbP0C13hcBnkq3x8piCA+5JCMDhPfcR8
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBQDCB6KADAgECAgEBMAoGCCqGSM49BAMCMBQxEjAQBgNVBAMMCWxvY2FsaG9z
dDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowFDESMBAGA1UEAwwJ
bG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEpGM5OMnlYn/ynoN1
ckjKCwnc8W7NbRccc98evDYDTmDryToT4eCpGjWz9Atd4XAZ5Kt8fKYggPuSQjA4
T33EfKMpMCcwDwYDVR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3Qw
CgYIKoZIzj0EAwIDRwAwRAIgPnFvY5emraFvdqfqhGtHvUKKQ3buUlvJVFHcBCTv
JngCIFr/kCJQCeSMfY2yzkAW8Vo+Q8qX4NYcxKkn1hwISu3a
-----END CERTIFICATE-----
`,
};

/** Makes this process trust {@link LOCALHOST}, as `NODE_EXTRA_CA_CERTS` would. */
export function trustLocalhost(): void {
  setDefaultCACertificates([...getCACertificates(), LOCALHOST.cert]);
}
