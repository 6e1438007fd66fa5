/* audit.h: the trail and its log. */

%{
/* (call, checkpoint, key, unanchored) */
static int verify_of(obs_audit_verify_options *options, obs_call *call, PyObject *tuple)
{
    obs_audit_verify_options_init(options, sizeof *options);
    if (inner_call(&options->call, call, tuple) != 0 || text_of(&options->key, ITEM(2)) != 0 ||
        flag_of(&options->unanchored, ITEM(3)) != 0)
        return -1;
    return ITEM(1) == Py_None ? 0 : key_of(&options->checkpoint, &options->checkpoint_size, ITEM(1));
}

/* The exception that a failed call is, or None. */
static PyObject *answer_of(const obs_error *error)
{
    PyObject *type, *exception, *trace;
    if (error->status == OBS_OK)
        return Py_NewRef(Py_None);
    raise_error(error);
    PyErr_Fetch(&type, &exception, &trace);
    PyErr_NormalizeException(&type, &exception, &trace);
    Py_XDECREF(type);
    Py_XDECREF(trace);
    return exception;
}
%}

%apply const char *name { const char *id, const char *subject, const char *key };
%apply (const char *data, size_t size) { (const char *proof, size_t size), (const char *policy, size_t size) };
%apply uint64_t *out { uint64_t *count };
OPTIONS(obs_audit_verify_options, verify_of)

/* What was found is told also when the answer is no: both are always there, None in the place of what is not. */
%typemap(in, numinputs=0) obs_buffer **report (obs_buffer *local = NULL) "$1 = &local;"
%typemap(argout) obs_buffer **report "$result = append($result, *$1 ? buffer_new(*$1) : Py_NewRef(Py_None));"
%typemap(in, numinputs=0) obs_error *answer = obs_error *error;
%typemap(argout) obs_error *answer {
    if (PyErr_Occurred()) {
        Py_XDECREF($result);
        SWIG_fail;
    }
    $result = append($result, answer_of($1));
}

WAITS(obs_audit_sequence)
WAITS(obs_audit_verify)
WAITS(obs_audit_prove)
WAITS(obs_audit_erase)
WAITS(obs_audit_policy_set)
WAITS(obs_audit_seal)

obs_status obs_audit_query(obs_rows **out, obs_audit *audit, const obs_audit_options *options, obs_error *error);
obs_status obs_audit_sequence(obs_audit *audit, const obs_call *call, obs_error *error);
obs_status obs_audit_verify(obs_buffer **report, obs_audit *audit, const obs_audit_verify_options *options, obs_error *answer);
obs_status obs_audit_prove(obs_buffer **out, obs_audit *audit, const char *id, int32_t clear, const obs_call *call,
                           obs_error *error);
obs_status obs_audit_check_proof(obs_buffer **out, const char *proof, size_t size, const char *key, obs_error *error);
obs_status obs_audit_key(obs_buffer **out, obs_audit *audit, obs_error *error);
obs_status obs_audit_erase(uint64_t *count, obs_audit *audit, const char *subject, const obs_call *call, obs_error *error);
obs_status obs_audit_policy(obs_buffer **out, obs_audit *audit, obs_error *error);
obs_status obs_audit_policy_set(obs_audit *audit, const char *policy, size_t size, const obs_call *call, obs_error *error);
obs_status obs_audit_seal(uint64_t *count, obs_audit *audit, const obs_call *call, obs_error *error);
