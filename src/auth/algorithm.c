#include "auth/algorithm.h"

#include <string.h>

static const obs__algorithm_row rows[] = {
    {OBS__RS256, "RS256", OBS__KEY_RSA, 256, 0},    {OBS__RS384, "RS384", OBS__KEY_RSA, 384, 0},
    {OBS__RS512, "RS512", OBS__KEY_RSA, 512, 0},    {OBS__PS256, "PS256", OBS__KEY_RSA, 256, 1},
    {OBS__PS384, "PS384", OBS__KEY_RSA, 384, 1},    {OBS__PS512, "PS512", OBS__KEY_RSA, 512, 1},
    {OBS__ES256, "ES256", OBS__KEY_P256, 256, 0},   {OBS__ES384, "ES384", OBS__KEY_P384, 384, 0},
    {OBS__ES512, "ES512", OBS__KEY_P521, 512, 0},   {OBS__EDDSA, "EdDSA", OBS__KEY_ED25519 | OBS__KEY_ED448, 0, 0},
    {OBS__HS256, "HS256", OBS__KEY_SECRET, 256, 0}, {OBS__HS384, "HS384", OBS__KEY_SECRET, 384, 0},
    {OBS__HS512, "HS512", OBS__KEY_SECRET, 512, 0},
};

static const obs__curve_row curves[] = {
    {OBS__KEY_P256, "P-256", "EC", "P-256", 32, 64},    {OBS__KEY_P384, "P-384", "EC", "P-384", 48, 96},
    {OBS__KEY_P521, "P-521", "EC", "P-521", 66, 132},   {OBS__KEY_ED25519, "Ed25519", "OKP", "ED25519", 32, 64},
    {OBS__KEY_ED448, "Ed448", "OKP", "ED448", 57, 114},
};

const obs__algorithm_row *obs__algorithm_find(obs__view name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (obs__view_is(name, rows[i].name))
            return &rows[i];
    return NULL;
}

const obs__algorithm_row *obs__algorithm_row_of(obs__algorithm algorithm)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].algorithm == algorithm)
            return &rows[i];
    return NULL;
}

unsigned obs__algorithms_of(obs__key_type kind)
{
    unsigned set = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        set |= rows[i].kinds & kind ? rows[i].algorithm : 0;
    return set;
}

const EVP_MD *obs__algorithm_digest(const obs__algorithm_row *row, const obs__crypto *crypto)
{
    return row->hash_bits == 256   ? crypto->sha256
           : row->hash_bits == 384 ? crypto->sha384
           : row->hash_bits == 512 ? crypto->sha512
                                   : NULL;
}

const obs__curve_row *obs__curve_find(const char *type, const char *name)
{
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (strcmp(curves[i].type, type) == 0 && strcmp(curves[i].name, name) == 0)
            return &curves[i];
    return NULL;
}

const obs__curve_row *obs__curve_of(obs__key_type kind)
{
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (curves[i].kind == kind)
            return &curves[i];
    return NULL;
}
