/* SPDX-License-Identifier: Apache-2.0 */
/* A self-signed certificate for 127.0.0.1 and its key, made for these tests; it secures nothing. */
#ifndef WINNOW_TESTS_UNIT_SINK_TEST_CERTIFICATE_H
#define WINNOW_TESTS_UNIT_SINK_TEST_CERTIFICATE_H

static const char test_certificate[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBlDCCATqgAwIBAgIUZ5DFD5mhmMe1H/fjypaqg3wjF4gwCgYIKoZIzj0EAwIw\n"
	"FjEUMBIGA1UEAwwLd2lubm93IHRlc3QwIBcNMjYxMTIyMTgxMzQxWhgPMjEyNjEw\n"
	"MjkxODEzNDFaMBYxFDASBgNVBAMMC3dpbm5vdyB0ZXN0MFkwEwYHKoZIzj0CAQYI\n"
	"KoZIzj0DAQcDQgAE6tU1DhPonXmtKVEgFwhsejk3WCpcsBlr112l3mA6dQZEqp0s\n"
	"cW9qiaDKZsPiePWGldexAcnPEL5Tvquv2uEvhKNkMGIwHQYDVR0OBBYEFE6tOBuk\n"
	"22VPVmcycWUmjhBB5zRBMB8GA1UdIwQYMBaAFE6tOBuk22VPVmcycWUmjhBB5zRB\n"
	"MA8GA1UdEwEB/wQFMAMBAf8wDwYDVR0RBAgwBocEfwAAATAKBggqhkjOPQQDAgNI\n"
	"ADBFAiEA4nyfHa/PTVdplma1akiFSbMhX9UXZhdXxm55/6yesmICIEGyDvbDtBJv\n"
	"H6U+uOz7Ht1U9zmFlFM6R9Sdg1XMtkyw\n"
	"-----END CERTIFICATE-----\n";

static const char test_key[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXsO7kiWaHHsgxcm0\n"
	"v1g5BMBqSk66kLbR70Gj+t1lhayhRANCAATq1TUOE+idea0pUSAXCGx6OTdYKlyw\n"
	"GWvXXaXeYDp1BkSqnSxxb2qJoMpmw+J49YaV17EByc8QvlO+q6/a4S+E\n"
	"-----END PRIVATE KEY-----\n";

#endif
