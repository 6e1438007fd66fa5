/* config.h and secret.h: values, settings, snapshots; secrets, whose bytes Python has only when somebody asks for them. */

%{
static void free_config(void *config)
{
    obs_config_free(config);
}

static void free_setting(void *setting)
{
    obs_setting_free(setting);
}

static void free_secret(void *secret)
{
    obs_secret_free(secret);
}

static PyObject *secret_reveal(const obs_secret *secret)
{
    return PyBytes_FromStringAndSize(obs_secret_bytes(secret), (Py_ssize_t)obs_secret_size(secret));
}

static int environment_has(const char *name)
{
    return getenv(name) != NULL;
}

/* (standard, least, most, renamed) */
static int setting_of(obs_setting_options *options, obs_call *call, PyObject *tuple)
{
    (void)call;
    obs_setting_options_init(options, sizeof *options);
    return text_of(&options->standard, ITEM(0)) != 0 || text_of(&options->least, ITEM(1)) != 0 ||
           text_of(&options->most, ITEM(2)) != 0 || text_of(&options->renamed, ITEM(3)) != 0 ? -1 : 0;
}

/* (call, layer, if_match, dry_run) */
static int set_of(obs_config_set_options *options, obs_call *call, PyObject *tuple)
{
    obs_config_set_options_init(options, sizeof *options);
    return inner_call(&options->call, call, tuple) != 0 || text_of(&options->layer, ITEM(1)) != 0 ||
           text_of(&options->if_match, ITEM(2)) != 0 || flag_of(&options->dry_run, ITEM(3)) != 0 ? -1 : 0;
}
%}

%typemap(in) obs_config *config, const obs_config *config, const obs_setting *setting, const obs_secret *secret {
    $1 = handle_of($input, $1_descriptor);
    if (!$1)
        SWIG_fail;
}
%typemap(out) obs_config * "$result = handle_new($1, $1_descriptor, NULL, swig_obj[0]); /* the client */"

%define OWNED_OUT(type, free)
%typemap(in, numinputs=0) type **out (type *local = NULL) "$1 = &local;"
%typemap(argout) type **out {
    if (*$1)
        $result = append($result, handle_new(*$1, SWIGTYPE_p_##type, free, NULL));
}
%enddef
OWNED_OUT(obs_config, free_config)
OWNED_OUT(obs_setting, free_setting)
OWNED_OUT(obs_secret, free_secret)

%define NUMBER_OUT(type, make)
%typemap(in, numinputs=0) type (int64_t local = 0) "$1 = ($1_ltype)&local;"
%typemap(argout) type "$result = append($result, make);"
%enddef
NUMBER_OUT(int32_t *out, PyBool_FromLong(*$1))
NUMBER_OUT(int64_t *out, PyLong_FromLongLong(*$1))
NUMBER_OUT(uint64_t *out, PyLong_FromUnsignedLongLong(*$1))
%typemap(in, numinputs=0) double *out (double local = 0) "$1 = &local;"
%typemap(argout) double *out "$result = append($result, PyFloat_FromDouble(*$1));"

%typemap(in) obs_setting_type "$1 = ($1_ltype)PyLong_AsLong($input);"
%apply const char *name { const char *value };
OPTIONS(obs_setting_options, setting_of)
OPTIONS(obs_config_set_options, set_of)

WAITS(obs_config_snapshot)
WAITS(obs_config_wait)
WAITS(obs_config_refresh)
WAITS(obs_config_set)
WAITS(obs_config_explain)
WAITS(obs_config_sign)

%nothread obs_client_config;
%nothread obs_config_version;
obs_config *obs_client_config(obs_client *client);
uint64_t obs_config_version(const obs_config *config);
obs_status obs_config_snapshot(obs_config **out, obs_config *config, const obs_call *call, obs_error *error);
obs_status obs_config_bool(int32_t *out, obs_config *config, const char *name, obs_error *error);
obs_status obs_config_int(int64_t *out, obs_config *config, const char *name, obs_error *error);
obs_status obs_config_float(double *out, obs_config *config, const char *name, obs_error *error);
obs_status obs_config_duration(int64_t *out, obs_config *config, const char *name, obs_error *error);
obs_status obs_config_bytes(uint64_t *out, obs_config *config, const char *name, obs_error *error);
obs_status obs_config_text(obs_buffer **out, obs_config *config, const char *name, obs_error *error);
obs_status obs_config_json(obs_buffer **out, obs_config *config, const char *name, obs_error *error);
obs_status obs_config_secret(obs_secret **out, obs_config *config, const char *name, obs_error *error);
obs_status obs_config_wait(uint64_t *out, obs_config *config, uint64_t version, const obs_call *call, obs_error *error);
obs_status obs_config_refresh(obs_config *config, const obs_call *call, obs_error *error);
obs_status obs_config_set(obs_config *config, const char *name, const char *value, const obs_config_set_options *options,
                          obs_error *error);
obs_status obs_config_explain(obs_rows **out, obs_config *config, const char *name, const obs_call *call, obs_error *error);
obs_status obs_config_sources(obs_rows **out, obs_config *config, obs_error *error);
obs_status obs_config_validate(obs_config *config, const char *data, size_t size, const char *name, obs_error *error);
obs_status obs_config_sign(obs_buffer **out, obs_config *config, const char *data, size_t size, obs_buffer **out_key,
                           const obs_call *call, obs_error *error);

/* One load from memory each. */
%nothread obs_setting_int;
%nothread obs_setting_float;
obs_status obs_setting_open(obs_setting **out, obs_config *config, const char *name, obs_setting_type type,
                            const obs_setting_options *options, obs_error *error);
int64_t obs_setting_int(const obs_setting *setting);
double obs_setting_float(const obs_setting *setting);
obs_status obs_setting_text(obs_buffer **out, const obs_setting *setting, obs_error *error);

%nothread obs_secret_size;
%nothread secret_reveal;
obs_status obs_secret_new(obs_secret **out, const void *data, size_t size, obs_error *error);
size_t obs_secret_size(const obs_secret *secret);
PyObject *secret_reveal(const obs_secret *secret);
%nothread environment_has;
int environment_has(const char *name);
