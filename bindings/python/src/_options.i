/* Option structs: tuples made by the façade, in the order of the fields; None is all defaults. */

%{
/* (timeout_ms, cancel, traceparent, idempotency_key, subject) */
static int call_of(obs_call *call, PyObject *tuple)
{
    PyObject *cancel = PyTuple_GetItem(tuple, 1);
    obs_call_init(call, sizeof *call);
    call->timeout_ms = PyLong_AsLongLong(PyTuple_GetItem(tuple, 0));
    if (!cancel || PyErr_Occurred())
        return -1;
    if (cancel != Py_None && !(call->cancel = handle_of(cancel, SWIGTYPE_p_obs_cancel)))
        return -1;
    return text_of(&call->traceparent, PyTuple_GetItem(tuple, 2)) != 0 ||
           text_of(&call->idempotency_key, PyTuple_GetItem(tuple, 3)) != 0 ||
           text_of(&call->subject, PyTuple_GetItem(tuple, 4)) != 0 ? -1 : 0;
}

/* The call is always the first item of an options tuple. */
static int inner_call(const obs_call **out, obs_call *call, PyObject *tuple)
{
    PyObject *item = PyTuple_GetItem(tuple, 0);
    *out = NULL;
    if (!item || item == Py_None)
        return item ? 0 : -1;
    *out = call;
    return call_of(call, item);
}

static int size_of(uint64_t *out, PyObject *item)
{
    *out = item ? PyLong_AsUnsignedLongLong(item) : 0;
    return PyErr_Occurred() ? -1 : 0;
}

static int flag_of(int32_t *out, PyObject *item)
{
    *out = item ? PyObject_IsTrue(item) : -1;
    return *out < 0 ? -1 : 0;
}

#define ITEM(index) PyTuple_GetItem(tuple, index)

/* Python says what is done, C what is not. */
static int no_index_of(int32_t *out, PyObject *index)
{
    int wanted = index ? PyObject_IsTrue(index) : -1;
    *out = wanted == 0;
    return wanted < 0 ? -1 : 0;
}

/* (call, content_type, if_match, if_none_match, metadata, labels, values, made_from, sha256, index) */
struct put_arguments {
    obs_put_options options;
    obs_call call;
    obs_pair *metadata;
    obs_pair *labels;
    const char **made_from;
};

static int made_from_of(struct put_arguments *put, PyObject *item)
{
    if (!item || item == Py_None)
        return item ? 0 : -1;
    Py_ssize_t count = PyTuple_Size(item);
    if (count < 0)
        return -1;
    put->made_from = PyMem_Calloc((size_t)count + 1, sizeof *put->made_from);
    if (!put->made_from) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        if (text_of(&put->made_from[i], PyTuple_GetItem(item, i)) != 0)
            return -1;
    put->options.made_from = put->made_from;
    put->options.made_from_count = (size_t)count;
    return 0;
}

static int put_of(struct put_arguments *put, PyObject *tuple)
{
    obs_put_options *options = &put->options;
    obs_put_options_init(options, sizeof *options);
    if (inner_call(&options->call, &put->call, tuple) != 0 || text_of(&options->content_type, ITEM(1)) != 0 ||
        text_of(&options->if_match, ITEM(2)) != 0 || text_of(&options->if_none_match, ITEM(3)) != 0 ||
        pairs_of(&put->metadata, &options->metadata_count, ITEM(4)) != 0 ||
        pairs_of(&put->labels, &options->label_count, ITEM(5)) != 0 || text_of(&options->values, ITEM(6)) != 0 ||
        made_from_of(put, ITEM(7)) != 0 || text_of(&options->sha256, ITEM(8)) != 0 ||
        no_index_of(&options->no_index, ITEM(9)) != 0)
        return -1;
    options->metadata = put->metadata;
    options->labels = put->labels;
    return 0;
}

static void put_clear(struct put_arguments *put)
{
    PyMem_Free(put->metadata);
    PyMem_Free(put->labels);
    PyMem_Free((void *)put->made_from);
}

/* (call, offset, length, if_match, if_none_match) */
static int get_of(obs_get_options *options, obs_call *call, PyObject *tuple)
{
    obs_get_options_init(options, sizeof *options);
    return inner_call(&options->call, call, tuple) != 0 || size_of(&options->offset, ITEM(1)) != 0 ||
           size_of(&options->length, ITEM(2)) != 0 || text_of(&options->if_match, ITEM(3)) != 0 ||
           text_of(&options->if_none_match, ITEM(4)) != 0 ? -1 : 0;
}

/* (call, delimiter, after, limit) */
static int list_of(obs_list_options *options, obs_call *call, PyObject *tuple)
{
    uint64_t limit;
    obs_list_options_init(options, sizeof *options);
    if (inner_call(&options->call, call, tuple) != 0 || text_of(&options->delimiter, ITEM(1)) != 0 ||
        text_of(&options->after, ITEM(2)) != 0 || size_of(&limit, ITEM(3)) != 0)
        return -1;
    options->limit = (size_t)limit;
    return 0;
}

/* (call, if_match, if_none_match) */
static int change_of(obs_change_options *options, obs_call *call, PyObject *tuple)
{
    obs_change_options_init(options, sizeof *options);
    return inner_call(&options->call, call, tuple) != 0 || text_of(&options->if_match, ITEM(1)) != 0 ||
           text_of(&options->if_none_match, ITEM(2)) != 0 ? -1 : 0;
}

/* A text, or the bytes of a secret where they are: they live as long as what was given. */
static int token_of(const char **out, size_t *size, PyObject *object)
{
    if (object && Py_TYPE(object) == handle_type) {
        const obs_secret *secret = handle_of(object, SWIGTYPE_p_obs_secret);
        *out = secret ? obs_secret_bytes(secret) : NULL;
        *size = obs_secret_size(secret);
        return secret ? 0 : -1;
    }
    return object ? key_of(out, size, object) : -1;
}

static int token_text_of(const char **out, PyObject *object)
{
    size_t size;
    *out = NULL;
    if (object == Py_None)
        return 0;
    if (token_of(out, &size, object) != 0)
        return -1;
    if (strlen(*out) == size)
        return 0;
    PyErr_SetString(PyExc_ValueError, "embedded null character");
    return -1;
}

/* (call, workspace, tenant, program, read_only, token) */
static int open_of(obs_open_options *options, obs_call *call, PyObject *tuple)
{
    obs_open_options_init(options, sizeof *options);
    if (inner_call(&options->call, call, tuple) != 0 || text_of(&options->workspace, ITEM(1)) != 0 ||
        text_of(&options->tenant, ITEM(2)) != 0 || text_of(&options->program, ITEM(3)) != 0 ||
        flag_of(&options->read_only, ITEM(4)) != 0 || token_text_of(&options->token, ITEM(5)) != 0)
        return -1;
    return 0;
}

/* (call, subject, tenant, token) */
static int as_of(obs_as_options *options, obs_call *call, PyObject *tuple)
{
    obs_as_options_init(options, sizeof *options);
    return inner_call(&options->call, call, tuple) != 0 || text_of(&options->subject, ITEM(1)) != 0 ||
           text_of(&options->tenant, ITEM(2)) != 0 || token_text_of(&options->token, ITEM(3)) != 0 ? -1 : 0;
}

/* (call, shared, account, group) */
static int workspace_of(obs_workspace_options *options, obs_call *call, PyObject *tuple)
{
    int32_t shared;
    obs_workspace_options_init(options, sizeof *options);
    if (inner_call(&options->call, call, tuple) != 0 || flag_of(&shared, ITEM(1)) != 0 ||
        text_of(&options->account, ITEM(2)) != 0 || text_of(&options->group, ITEM(3)) != 0)
        return -1;
    options->mode = shared ? OBS_SHARED : OBS_PERSONAL;
    return 0;
}

/* (call, group, reason, refuse_reads, confirm, bytes, objects, entries, events a day, events a minute) */
static int tenant_of(obs_tenant_options *options, obs_call *call, PyObject *tuple)
{
    obs_tenant_options_init(options, sizeof *options);
    if (inner_call(&options->call, call, tuple) != 0 || text_of(&options->group, ITEM(1)) != 0 ||
        text_of(&options->reason, ITEM(2)) != 0 || flag_of(&options->refuse_reads, ITEM(3)) != 0 ||
        text_of(&options->confirm, ITEM(4)) != 0)
        return -1;
    options->most_bytes = PyLong_AsLongLong(ITEM(5));
    options->most_objects = PyLong_AsLongLong(ITEM(6));
    options->most_entries = PyLong_AsLongLong(ITEM(7));
    options->events_per_day = PyLong_AsLongLong(ITEM(8));
    options->events_per_minute = PyLong_AsLongLong(ITEM(9));
    return PyErr_Occurred() ? -1 : 0;
}

/* (call, after, limit) */
static int search_of(obs_search_options *options, obs_call *call, PyObject *tuple)
{
    uint64_t limit;
    obs_search_options_init(options, sizeof *options);
    if (inner_call(&options->call, call, tuple) != 0 || text_of(&options->after, ITEM(1)) != 0 || size_of(&limit, ITEM(2)) != 0)
        return -1;
    options->limit = (size_t)limit;
    return 0;
}

/* (call, down, depth, nodes) */
static int lineage_of(obs_lineage_options *options, obs_call *call, PyObject *tuple)
{
    uint64_t depth, nodes;
    obs_lineage_options_init(options, sizeof *options);
    int down = PyObject_IsTrue(ITEM(1));
    if (down < 0 || inner_call(&options->call, call, tuple) != 0 || size_of(&depth, ITEM(2)) != 0 || size_of(&nodes, ITEM(3)) != 0)
        return -1;
    options->direction = down ? OBS_LINEAGE_DOWN : OBS_LINEAGE_UP;
    options->depth = depth < UINT32_MAX ? (uint32_t)depth : 0;
    options->nodes = (size_t)nodes;
    return 0;
}

/* (call, subject, object, action, trace, since, until, after, limit) */
static int audit_of(obs_audit_options *options, obs_call *call, PyObject *tuple)
{
    uint64_t limit;
    obs_audit_options_init(options, sizeof *options);
    if (inner_call(&options->call, call, tuple) != 0 || text_of(&options->subject, ITEM(1)) != 0 ||
        text_of(&options->object, ITEM(2)) != 0 || text_of(&options->action, ITEM(3)) != 0 ||
        text_of(&options->trace, ITEM(4)) != 0 || text_of(&options->since, ITEM(5)) != 0 ||
        text_of(&options->until, ITEM(6)) != 0 || text_of(&options->after, ITEM(7)) != 0 || size_of(&limit, ITEM(8)) != 0)
        return -1;
    options->limit = (size_t)limit;
    return 0;
}

/* (call, labels, origin, content_type, reason, index) */
struct ingest_arguments {
    obs_ingest_options options;
    obs_call call;
    obs_pair *labels;
};

static int ingest_of(struct ingest_arguments *ingest, PyObject *tuple)
{
    obs_ingest_options *options = &ingest->options;
    obs_ingest_options_init(options, sizeof *options);
    if (inner_call(&options->call, &ingest->call, tuple) != 0 ||
        pairs_of(&ingest->labels, &options->label_count, ITEM(1)) != 0 || text_of(&options->origin, ITEM(2)) != 0 ||
        text_of(&options->content_type, ITEM(3)) != 0 || text_of(&options->reason, ITEM(4)) != 0 ||
        no_index_of(&options->no_index, ITEM(5)) != 0)
        return -1;
    options->labels = ingest->labels;
    return 0;
}

/* (call, table, result, after, limit) */
static int log_of(obs_ingest_log_options *options, obs_call *call, PyObject *tuple)
{
    uint64_t limit;
    obs_ingest_log_options_init(options, sizeof *options);
    if (inner_call(&options->call, call, tuple) != 0 || text_of(&options->table, ITEM(1)) != 0 ||
        text_of(&options->result, ITEM(2)) != 0 || text_of(&options->after, ITEM(3)) != 0 || size_of(&limit, ITEM(4)) != 0)
        return -1;
    options->limit = (size_t)limit;
    return 0;
}

/* (call, by, since, until) */
static int stats_of(obs_ingest_stats_options *options, obs_call *call, PyObject *tuple)
{
    obs_ingest_stats_options_init(options, sizeof *options);
    return inner_call(&options->call, call, tuple) != 0 || text_of(&options->by, ITEM(1)) != 0 ||
                   text_of(&options->since, ITEM(2)) != 0 || text_of(&options->until, ITEM(3)) != 0
               ? -1
               : 0;
}

/* (call, prefix, depth) */
static int usage_of(obs_usage_options *options, obs_call *call, PyObject *tuple)
{
    obs_usage_options_init(options, sizeof *options);
    if (inner_call(&options->call, call, tuple) != 0 || text_of(&options->prefix, ITEM(1)) != 0)
        return -1;
    options->depth = (int32_t)PyLong_AsLong(ITEM(2));
    return PyErr_Occurred() ? -1 : 0;
}

/* (call, partition_key, priority) */
static int publish_of(obs_publish_options *options, obs_call *call, PyObject *tuple)
{
    obs_publish_options_init(options, sizeof *options);
    if (inner_call(&options->call, call, tuple) != 0 || text_of(&options->partition_key, ITEM(1)) != 0)
        return -1;
    options->priority = (int32_t)PyLong_AsLong(ITEM(2));
    return PyErr_Occurred() ? -1 : 0;
}

/* (call, type, subject, from_now, filter, exclusive, attempts, retry in milliseconds, the longest) */
static int subscribe_of(obs_subscribe_options *options, obs_call *call, PyObject *tuple)
{
    obs_subscribe_options_init(options, sizeof *options);
    if (inner_call(&options->call, call, tuple) != 0 || text_of(&options->type, ITEM(1)) != 0 ||
        text_of(&options->subject, ITEM(2)) != 0 || flag_of(&options->from_now, ITEM(3)) != 0 ||
        text_of(&options->filter, ITEM(4)) != 0 || flag_of(&options->exclusive, ITEM(5)) != 0)
        return -1;
    options->attempts = (int32_t)PyLong_AsLong(ITEM(6));
    options->retry_ms = PyLong_AsLongLong(ITEM(7));
    options->retry_max_ms = PyLong_AsLongLong(ITEM(8));
    return PyErr_Occurred() ? -1 : 0;
}

/* (reason, delay in milliseconds, dead) */
static int reject_of(obs_reject_options *options, obs_call *call, PyObject *tuple)
{
    (void)call;
    obs_reject_options_init(options, sizeof *options);
    if (text_of(&options->reason, ITEM(0)) != 0 || flag_of(&options->dead, ITEM(2)) != 0)
        return -1;
    options->delay_ms = PyLong_AsLongLong(ITEM(1));
    return PyErr_Occurred() ? -1 : 0;
}
%}

%typemap(in) const obs_call *call (obs_call local) {
    $1 = NULL;
    if ($input != Py_None) {
        if (call_of(&local, $input) != 0)
            SWIG_fail;
        $1 = &local;
    }
}

%define OPTIONS(type, fill)
%typemap(in) const type *options (type local, obs_call call) {
    $1 = NULL;
    if ($input != Py_None) {
        if (fill(&local, &call, $input) != 0)
            SWIG_fail;
        $1 = &local;
    }
}
%enddef
OPTIONS(obs_get_options, get_of)
OPTIONS(obs_list_options, list_of)
OPTIONS(obs_change_options, change_of)
OPTIONS(obs_open_options, open_of)
OPTIONS(obs_as_options, as_of)
OPTIONS(obs_workspace_options, workspace_of)
OPTIONS(obs_tenant_options, tenant_of)
OPTIONS(obs_search_options, search_of)
OPTIONS(obs_lineage_options, lineage_of)
OPTIONS(obs_audit_options, audit_of)
OPTIONS(obs_ingest_log_options, log_of)
OPTIONS(obs_ingest_stats_options, stats_of)
OPTIONS(obs_usage_options, usage_of)
OPTIONS(obs_publish_options, publish_of)
OPTIONS(obs_subscribe_options, subscribe_of)
OPTIONS(obs_reject_options, reject_of)

%typemap(in) const obs_put_options *options (struct put_arguments local) {
    memset(&local, 0, sizeof local);
    $1 = NULL;
    if ($input != Py_None) {
        if (put_of(&local, $input) != 0)
            SWIG_fail;
        $1 = &local.options;
    }
}
%typemap(arginit) const obs_put_options *options "memset(&local$argnum, 0, sizeof local$argnum);"
%typemap(freearg) const obs_put_options *options "put_clear(&local$argnum);"
%typemap(in) const obs_ingest_options *options (struct ingest_arguments local) {
    $1 = NULL;
    if ($input != Py_None) {
        if (ingest_of(&local, $input) != 0)
            SWIG_fail;
        $1 = &local.options;
    }
}
%typemap(arginit) const obs_ingest_options *options "memset(&local$argnum, 0, sizeof local$argnum);"
%typemap(freearg) const obs_ingest_options *options "PyMem_Free(local$argnum.labels);"
