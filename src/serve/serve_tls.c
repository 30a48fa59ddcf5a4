/* TLS: certificates, protocol versions, ALPN.
 *
 * TLS 1.2 with ephemeral keys and authenticated ciphers (those that HTTP/2 does not forbid), and
 * TLS 1.3; no compression, no renegotiation.
 */
#include "serve_state.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#define SELF_SIGNED_S (30L * 24 * 3600)
#define GATHER_BYTES 65536L

static gch_status fail_tls(gch_error *err, const char *what)
{
    char reason[160];
    unsigned long code = ERR_peek_last_error();
    ERR_error_string_n(code, reason, sizeof reason);
    ERR_clear_error();
    return gch_fail(err, GCH_IO, "%s: %s", what, code != 0 ? reason : "failed");
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_length,
                           const unsigned char *offered, unsigned offered_length, void *context)
{
    static const unsigned char known[] = "\x02h2\x08http/1.1";
    (void)ssl, (void)context;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_length, known, sizeof known - 1, offered,
                              offered_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301, 3.2 */
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool add_extension(X509 *certificate, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    bool is_fine = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_fine;
}

/* A key and a certificate for this machine's loopback names, for 30 days. */
static gch_status use_self_signed(SSL_CTX *context, gch_error *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    unsigned char serial[16] = {0};
    BIGNUM *number = NULL;
    gch_status status = GCH_OK;
    bool is_fine = key != NULL && certificate != NULL && RAND_bytes(serial, sizeof serial) == 1;
    serial[0] &= 0x7F;
    number = is_fine ? BN_bin2bn(serial, sizeof serial, NULL) : NULL;
    is_fine = is_fine && number != NULL && X509_set_version(certificate, X509_VERSION_3) == 1 &&
              BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL &&
              X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != NULL &&
              X509_gmtime_adj(X509_getm_notAfter(certificate), SELF_SIGNED_S) != NULL &&
              X509_set_pubkey(certificate, key) == 1;
    X509_NAME *name = is_fine ? X509_get_subject_name(certificate) : NULL;
    is_fine =
        is_fine &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1,
                                   -1, 0) == 1 &&
        X509_set_issuer_name(certificate, name) == 1 &&
        add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
        add_extension(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
        X509_sign(certificate, key, EVP_sha256()) != 0 &&
        SSL_CTX_use_certificate(context, certificate) == 1 &&
        SSL_CTX_use_PrivateKey(context, key) == 1;
    if (!is_fine)
        status = fail_tls(err, "the self-signed certificate");
    BN_free(number);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return status;
}

static gch_status use_files(SSL_CTX *context, const gch_server_desc *desc, gch_error *err)
{
    if (SSL_CTX_use_certificate_chain_file(context, desc->tls_certificate) != 1)
        return fail_tls(err, desc->tls_certificate);
    if (SSL_CTX_use_PrivateKey_file(context, desc->tls_key, SSL_FILETYPE_PEM) != 1)
        return fail_tls(err, desc->tls_key);
    if (SSL_CTX_check_private_key(context) != 1)
        return fail_tls(err, "the key is not that of the certificate");
    return GCH_OK;
}

gch_status gch__tls_make(const gch_server_desc *desc, SSL_CTX **out, gch_error *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL)
        return fail_tls(err, "TLS");
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets do */
    gch_status status = GCH_OK;
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
        status = fail_tls(err, "TLS");
    if (status == GCH_OK)
        status =
            desc->tls_self_signed ? use_self_signed(context, err) : use_files(context, desc, err);
    if (status != GCH_OK) {
        SSL_CTX_free(context);
        return status;
    }
    *out = context;
    return GCH_OK;
}

/* Records are of 16 KiB at most, and each would be a write of its own: a buffer in front of the
 * socket makes one of several. */
SSL *gch__tls_open(SSL_CTX *context, int fd)
{
    SSL *ssl = SSL_new(context);
    BIO *socket = BIO_new_socket(fd, BIO_NOCLOSE), *gather = BIO_new(BIO_f_buffer());
    if (ssl == NULL || socket == NULL || gather == NULL ||
        BIO_set_write_buffer_size(gather, GATHER_BYTES) != 1 || BIO_up_ref(socket) != 1) {
        BIO_free(socket);
        BIO_free(gather);
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_bio(ssl, socket, BIO_push(gather, socket)); /* each end takes over its reference */
    return ssl;
}

bool gch__tls_flush(SSL *ssl, bool *is_blocked)
{
    BIO *gather = SSL_get_wbio(ssl);
    *is_blocked = false;
    if (BIO_wpending(gather) == 0 || BIO_flush(gather) == 1)
        return true;
    *is_blocked = BIO_should_retry(gather) != 0;
    return *is_blocked;
}
