/*
 * Verifying a token of about 600 bytes against its bare signature check: OpenSSL's contexts made beforehand, the signing input
 * hashed and checked, nothing read. Both in turns, by the processor time that they take. Then tokens that are known already.
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/key_inside.h"
#include "auth/token.h"
#include "base/base64.h"
#include "base/clock.h"

#define TURNS 9
#define NOW (INT64_C(1795000000) * 1000000000)

typedef struct sample {
    obs__algorithm algorithm;
    obs__key *key;
    obs__keys *keys;
    obs__token_verifier *verifier;
    obs__builder token;
    /* Of the bare check. */
    EVP_MD_CTX *digest;
    EVP_PKEY_CTX *context;
    const EVP_MD *hash;
    unsigned char signature[OBS__SIGNATURE_LIMIT];
    size_t signature_size;
    size_t signed_size;
} sample;

static obs_error error;
static const obs__crypto *crypto;

static void must(int right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "bench: %s: %s\n", what, error.message);
    exit(1);
}

static double processor_time(void)
{
    struct timespec at;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static EVP_PKEY *generate(obs__algorithm algorithm)
{
    return algorithm == OBS__RS256   ? EVP_PKEY_Q_keygen(crypto->context, NULL, "RSA", (size_t)2048)
           : algorithm == OBS__ES256 ? EVP_PKEY_Q_keygen(crypto->context, NULL, "EC", "P-256")
                                     : EVP_PKEY_Q_keygen(crypto->context, NULL, "ED25519");
}

static void sign(sample *sample)
{
    static const char payload[] =
        "{\"iss\":\"https://login.example.org/realms/"
        "night\",\"aud\":[\"obs:night\",\"account\"],\"sub\":\"user:ada\",\"exp\":1795003600,"
        "\"iat\":1795000000,\"nbf\":1795000000,\"jti\":\"01936f5c-1f5e-7a3c-9b1e-5d0c2f6a8e47\",\"client_id\":\"obsctl\","
        "\"tenant\":\"default\",\"scope\":\"storage.read:/raw storage.create:/products event.publish:/org.example "
        "catalog.read\"}";
    obs__builder_init(&sample->token, OBS__TOKEN_SIZE_LIMIT);
    must(obs__jws_sign(&sample->token, sample->key, sample->algorithm, OBS__TOKEN_TYPE, obs__view_of(payload, OBS_TEXT),
                       &error) == OBS_OK,
         "sign");
}

static void prepare(sample *sample)
{
    obs__token_policy policy = {"https://login.example.org/realms/night", "obs:night", (unsigned)sample->algorithm, NULL, 0, 0};
    must(obs__key_make(&sample->key, generate(sample->algorithm), 1, &error) == OBS_OK, "key");
    obs__key_name(sample->key, obs__key_thumbprint(sample->key));
    must(obs__keys_make(&sample->keys, &sample->key, 1, &error) == OBS_OK, "keys");
    must(obs__token_verifier_new(&sample->verifier, &policy, &error) == OBS_OK, "verifier");
    must(obs__token_verifier_set(sample->verifier, sample->keys, &error) == OBS_OK, "verifier");
    sign(sample);
}

/* The bare check wants what the token's check has to find out: the signing input, and the signature as OpenSSL takes it. */
static void prepare_bare(sample *sample)
{
    const char *dot = strrchr(sample->token.data, '.');
    EVP_PKEY *pkey = sample->key->pkey;
    sample->signed_size = (size_t)(dot - sample->token.data);
    sample->digest = EVP_MD_CTX_new();
    sample->hash = sample->algorithm == OBS__EDDSA ? NULL : crypto->sha256;
    EVP_MD_CTX *signer = EVP_MD_CTX_new();
    sample->signature_size = sizeof sample->signature;
    must(EVP_DigestSignInit_ex(signer, NULL, sample->hash ? "SHA2-256" : NULL, crypto->context, NULL, pkey, NULL) > 0 &&
             EVP_DigestSign(signer, sample->signature, &sample->signature_size, (unsigned char *)sample->token.data,
                            sample->signed_size) > 0,
         "bare signature");
    EVP_MD_CTX_free(signer);
    sample->context = EVP_PKEY_CTX_new_from_pkey(crypto->context, pkey, NULL);
    if (!sample->hash)
        return;
    must(EVP_PKEY_verify_init(sample->context) > 0 && EVP_PKEY_CTX_set_signature_md(sample->context, sample->hash) > 0, "bare");
    if (sample->algorithm == OBS__RS256)
        must(EVP_PKEY_CTX_set_rsa_padding(sample->context, RSA_PKCS1_PADDING) > 0, "bare");
}

static void verify_bare(sample *sample)
{
    unsigned char hash[32];
    const unsigned char *data = (const unsigned char *)sample->token.data;
    int right;
    if (sample->hash)
        right = EVP_DigestInit_ex2(sample->digest, sample->hash, NULL) &&
                EVP_DigestUpdate(sample->digest, data, sample->signed_size) && EVP_DigestFinal_ex(sample->digest, hash, NULL) &&
                EVP_PKEY_verify(sample->context, sample->signature, sample->signature_size, hash, sizeof hash) == 1;
    else
        right = EVP_DigestVerifyInit_ex(sample->digest, NULL, NULL, crypto->context, NULL, sample->key->pkey, NULL) > 0 &&
                EVP_DigestVerify(sample->digest, sample->signature, sample->signature_size, data, sample->signed_size) == 1;
    must(right, "bare check");
}

/* Form, signature and all claims, as if the token were seen for the first time. */
static void verify_ours(sample *sample)
{
    obs__token_policy policy = {"https://login.example.org/realms/night", "obs:night", (unsigned)sample->algorithm, NULL, 0, 0};
    obs__jws *jws = NULL;
    obs__claims *claims = NULL;
    must(obs__jws_verify(&jws, sample->keys, policy.algorithms, sample->token.data, sample->token.size, &error) == OBS_OK &&
             obs__claims_read(&claims, jws, &policy, NOW, &error) == OBS_OK,
         "token");
    obs__claims_release(claims);
    obs__jws_free(jws);
}

static void verify_known(sample *sample)
{
    obs__claims *claims = NULL;
    must(obs__token_verifier_check(&claims, sample->verifier, sample->token.data, sample->token.size, NOW, &error) == OBS_OK,
         "known token");
    obs__claims_release(claims);
}

static double rate(void (*call)(sample *), sample *sample, int count)
{
    double start = processor_time();
    for (int i = 0; i < count; i++)
        call(sample);
    return count / (processor_time() - start);
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double median(double *rates)
{
    qsort(rates, TURNS, sizeof *rates, by_size);
    return rates[TURNS / 2];
}

static void measure(const char *name, sample *sample, int count)
{
    double ours[TURNS], bare[TURNS], ratios[TURNS], known[TURNS];
    prepare(sample);
    prepare_bare(sample);
    verify_known(sample);
    for (int i = 0; i < TURNS; i++) {
        bare[i] = rate(verify_bare, sample, count);
        ours[i] = rate(verify_ours, sample, count);
        known[i] = rate(verify_known, sample, 100000);
        ratios[i] = ours[i] / bare[i];
    }
    printf("{\"figure\":\"%s\",\"bytes\":%zu,\"ours_per_s\":%.0f,\"bare_per_s\":%.0f,\"ratio\":%.3f,\"known_per_s\":%.0f}\n",
           name, sample->token.size, median(ours), median(bare), median(ratios), median(known));
}

static void free_sample(sample *sample)
{
    EVP_MD_CTX_free(sample->digest);
    EVP_PKEY_CTX_free(sample->context);
    obs__builder_free(&sample->token);
    obs__token_verifier_free(sample->verifier);
    obs__keys_free(sample->keys);
    obs__key_free(sample->key);
}

int main(void)
{
    static sample samples[] = {{.algorithm = OBS__RS256}, {.algorithm = OBS__ES256}, {.algorithm = OBS__EDDSA}};
    static const char *const names[] = {"RS256", "ES256", "EdDSA"};
    static const int counts[] = {2000, 800, 500};
    obs_error_init(&error, sizeof error);
    must(obs__crypto_get(&crypto, &error) == OBS_OK, "OpenSSL");
    for (size_t i = 0; i < 3; i++) {
        measure(names[i], &samples[i], counts[i]);
        free_sample(&samples[i]);
    }
    return 0;
}
