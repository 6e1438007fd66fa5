/* token.h: tokens in, which are texts or secrets, and out, which are secrets. */

%{
/* (call, subject, tenant, scope, lifetime in seconds, audience) */
static int issue_of(obs_token_options *options, obs_call *call, PyObject *tuple)
{
    obs_token_options_init(options, sizeof *options);
    options->lifetime_s = PyLong_AsLongLong(ITEM(4));
    return PyErr_Occurred() || inner_call(&options->call, call, tuple) != 0 || text_of(&options->subject, ITEM(1)) != 0 ||
           text_of(&options->tenant, ITEM(2)) != 0 || text_of(&options->scope, ITEM(3)) != 0 ||
           text_of(&options->audience, ITEM(5)) != 0 ? -1 : 0;
}

/* (call, algorithms, issuer, audience, keys, leeway in seconds) */
static int verify_token_of(obs_verify_options *options, obs_call *call, PyObject *tuple)
{
    obs_verify_options_init(options, sizeof *options);
    options->leeway_s = PyLong_AsLongLong(ITEM(5));
    if (PyErr_Occurred() || inner_call(&options->call, call, tuple) != 0 || text_of(&options->algorithms, ITEM(1)) != 0 ||
        text_of(&options->issuer, ITEM(2)) != 0 || text_of(&options->audience, ITEM(3)) != 0)
        return -1;
    return ITEM(4) == Py_None ? 0 : key_of(&options->keys, &options->keys_size, ITEM(4));
}
%}

%typemap(in) (const char *token, size_t size) {
    if (token_of((const char **)&$1, &$2, $input) != 0)
        SWIG_fail;
}
OPTIONS(obs_token_options, issue_of)
OPTIONS(obs_verify_options, verify_token_of)

WAITS(obs_token_issue)
WAITS(obs_token_verify)
WAITS(obs_token_rotate)
WAITS(obs_token_revoke)
WAITS(obs_token_login)
WAITS(obs_token_logout)

obs_status obs_token_issue(obs_secret **out, obs_client *client, const obs_token_options *options, obs_error *error);
obs_status obs_token_verify(obs_buffer **out, obs_client *client, const char *token, size_t size,
                            const obs_verify_options *options, obs_error *error);
obs_status obs_token_keys(obs_buffer **out, obs_client *client, obs_error *error);
obs_status obs_token_rotate(obs_client *client, const obs_call *call, obs_error *error);
obs_status obs_token_revoke(obs_client *client, const char *id, const char *subject, const obs_call *call, obs_error *error);
obs_status obs_token_login(obs_client *client, const char *token, size_t size, const obs_call *call, obs_error *error);
obs_status obs_token_logout(obs_client *client, const obs_call *call, obs_error *error);
