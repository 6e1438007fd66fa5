/* function.h: the side of a function. No handler crosses the border: Python pulls the calls, and finishes them. */

HANDLE_OUT(obs_function, obs_function_free)
%typemap(in, numinputs=0) obs_function_call **out (obs_function_call *local = NULL) "$1 = &local;"
%typemap(argout) obs_function_call **out {
    if (*$1)
        $result = append($result, SWIG_NewPointerObj(*$1, SWIGTYPE_p_obs_function_call, 0));
}
%typemap(check) obs_function *function, obs_function_call *call, const obs_function_call *call {
    if (!$1) {
        PyErr_SetString(PyExc_ValueError, "the call is finished");
        SWIG_fail;
    }
}
%typemap(out) const obs_event * "$result = event_tuple($1);"
%typemap(out) obs_client * "$result = $1 ? handle_new($1, SWIGTYPE_p_obs_client, NULL, NULL) : Py_NewRef(Py_None);"

%{
/* (call, present code) */
static int reproduce_of(obs_reproduce_options *options, obs_call *call, PyObject *tuple)
{
    obs_reproduce_options_init(options, sizeof *options);
    return inner_call(&options->call, call, tuple) != 0 || flag_of(&options->present_code, ITEM(1)) != 0 ? -1 : 0;
}

static obs_status obs_function_serve(obs_function **out, obs_error *error)
{
    return obs_function_open(out, NULL, 0, error);
}

static obs_status obs_function_try(obs_function **out, const char *json, size_t size, obs_error *error)
{
    return obs_function_open(out, json, size, error);
}

/* One of its own: the call's ends with it. */
static obs_status obs_function_config_of(obs_config **out, obs_function_call *call, obs_error *error)
{
    obs_config *config = NULL;
    obs_status status = obs_function_config(&config, call, error);
    return status == OBS_OK ? obs_config_snapshot(out, config, NULL, error) : status;
}

static const char *obs_function_path(obs_function_call *call, obs_error *error)
{
    const char *path = NULL;
    obs_function_folder(&path, call, error);
    return path;
}

/* The function's own; it closes it. */
static obs_client *obs_function_lent(obs_function_call *call, obs_error *error)
{
    obs_client *client = NULL;
    obs_function_client(&client, call, error);
    return client;
}
%}
obs_status obs_function_serve(obs_function **out, obs_error *error);
obs_status obs_function_try(obs_function **out, const char *json, size_t size, obs_error *error);
obs_status obs_function_next(obs_function_call **out, obs_function *function, obs_error *error);
obs_status obs_function_finish(obs_buffer **out, obs_function_call *call, obs_status outcome, const char *reason,
                               obs_error *error);
void obs_function_free(obs_function *function);
const obs_event *obs_function_event(const obs_function_call *call);
uint32_t obs_function_attempt(const obs_function_call *call);
int64_t obs_function_remaining_ms(const obs_function_call *call);
const char *obs_function_path(obs_function_call *call, obs_error *error);
obs_client *obs_function_lent(obs_function_call *call, obs_error *error);
obs_status obs_function_config_of(obs_config **out, obs_function_call *call, obs_error *error);
obs_status obs_function_get(obs_buffer **out, obs_function_call *call, const char *key, size_t key_size, obs_error *error);
obs_status obs_function_put(obs_function_call *call, const char *key, size_t key_size, const void *data, size_t size,
                            const obs_put_options *options, obs_error *error);
obs_status obs_function_put_file(obs_function_call *call, const char *key, size_t key_size, const char *name,
                                 const obs_put_options *options, obs_error *error);
obs_status obs_function_publish(obs_function_call *call, const obs_event *event, const obs_publish_options *options,
                                obs_error *error);
obs_status obs_function_label(obs_function_call *call, const char *key, size_t key_size, const obs_pair *labels, size_t count,
                              obs_error *error);
obs_status obs_function_record(obs_function_call *call, const char *definition, const char *json, size_t size,
                               obs_error *error);

/* For whoever runs functions. Replays and reproductions are made by a thread of their own where signals matter: obs._call. */
OPTIONS(obs_reproduce_options, reproduce_of)
%apply const char *name { const char *event, const char *trace, const char *sha256 };
WAITS(obs_function_configuration)
obs_status obs_function_list(obs_rows **out, obs_client *client, obs_error *error);
obs_status obs_function_logs(obs_rows **out, obs_client *client, const char *name, const char *trace, obs_error *error);
obs_status obs_function_replay(obs_rows **out, obs_client *client, const char *event, const char *name, const obs_call *call,
                               obs_error *error);
obs_status obs_function_reproduce(obs_buffer **out, obs_client *client, const char *key, size_t key_size,
                                  const obs_reproduce_options *options, obs_error *error);
obs_status obs_function_configuration(obs_buffer **out, obs_client *client, const char *sha256, const obs_call *call,
                                      obs_error *error);
