/* function new: a function that works, and its test. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "obsctl/ctl.h"

/* In all texts @ is the name. */
static const char manifest[] = "# What the function '@' is for, and what it may do. 'obsctl function run @' runs it.\n"
                               "name: @\n"
                               "command: [COMMAND]\n"
                               "on: {type: org.example.frame.stored}     # also subject: raw/, filter: \"site = 'roof'\"\n"
                               "reads: [raw/]                            # keys, by prefix\n"
                               "writes: [products/]\n"
                               "publishes: [org.example]                 # types of events, by prefix\n"
                               "limits: {time: 60s, memory: 512MiB, files: 256}\n"
                               "workers: 1\n"
                               "attempts: 5\n";

static const char event[] = "{\"specversion\":\"1.0\",\"id\":\"try\",\"source\":\"/"
                            "test\",\"type\":\"org.example.frame.stored\",\"subject\":\"raw/a.fits\"}\n";

static const char test[] = "#!/bin/sh\n"
                           "# Handles event.json alone, and looks at what would be made; nothing is made.\n"
                           "set -eu\n"
                           "cd \"$(dirname \"$0\")\"\n"
                           "BUILDmade=$(RUN --event event.json)\n"
                           "echo \"$made\" | grep -q '\"do\":\"put\",\"key\":\"products/@/try.json\"'\n"
                           "echo \"$made\" | grep -q '\"do\":\"publish\"'\n"
                           "echo ok\n";

static const char python[] = "\"\"\"Handles events for libobs; see function.yaml.\"\"\"\n"
                             "\n"
                             "import json\n"
                             "\n"
                             "import obs\n"
                             "\n"
                             "\n"
                             "@obs.function_main\n"
                             "def handle(call):\n"
                             "    # frame = call.get(call.event.subject)       # what is read becomes an input of what is put\n"
                             "    look = {\"frame\": call.event.subject}\n"
                             "    key = f\"products/@/{call.event.id}.json\"\n"
                             "    call.put(key, json.dumps(look).encode(), content_type=\"application/json\")\n"
                             "    call.publish(\"org.example.@.made\", subject=key)\n";

static const char c[] =
    "/* Handles events for libobs; see function.yaml. */\n"
    "#include <obs/obs.h>\n"
    "#include <stdio.h>\n"
    "\n"
    "static obs_status handle(obs_function_call *call, void *context, obs_error *error)\n"
    "{\n"
    "    const obs_event *event = obs_function_event(call);\n"
    "    char key[512], look[1024];\n"
    "    obs_event made;\n"
    "    (void)context;\n"
    "    /* obs_function_get() reads; what is read becomes an input of what is put. */\n"
    "    snprintf(key, sizeof key, \"products/@/%s.json\", event->id);\n"
    "    snprintf(look, sizeof look, \"{\\\"frame\\\":\\\"%s\\\"}\", event->subject ? event->subject : \"\");\n"
    "    obs_status status = obs_function_put(call, key, OBS_TEXT, look, OBS_TEXT, NULL, error);\n"
    "    if (status != OBS_OK)\n"
    "        return status;\n"
    "    obs_event_init(&made, sizeof made);\n"
    "    made.type = \"org.example.@.made\";\n"
    "    made.subject = key;\n"
    "    return obs_function_publish(call, &made, NULL, error);\n"
    "}\n"
    "\n"
    "int main(int argc, char **argv)\n"
    "{\n"
    "    return obs_function_main(argc, argv, handle, NULL);\n"
    "}\n";

static const char go[] = "// Handles events for libobs; see function.yaml.\n"
                         "package main\n"
                         "\n"
                         "import (\n"
                         "\t\"encoding/json\"\n"
                         "\n"
                         "\tobs \"github.com/libobs/libobs/bindings/go\"\n"
                         ")\n"
                         "\n"
                         "func handle(call *obs.FunctionCall) error {\n"
                         "\tevent := call.Event() // call.Get() reads; what is read becomes an input of what is put\n"
                         "\tlook, err := json.Marshal(map[string]string{\"frame\": event.Subject})\n"
                         "\tif err != nil {\n"
                         "\t\treturn err\n"
                         "\t}\n"
                         "\tkey := \"products/@/\" + event.ID + \".json\"\n"
                         "\tif err := call.Put(key, look, nil); err != nil {\n"
                         "\t\treturn err\n"
                         "\t}\n"
                         "\treturn call.Publish(obs.Event{Type: \"org.example.@.made\", Subject: key}, nil)\n"
                         "}\n"
                         "\n"
                         "func main() { obs.FunctionMain(handle) }\n";

static const char make[] = "handler: handler.c\n"
                           "\t$(CC) -O2 -Wall -Wextra $< -o $@ $$(pkg-config --cflags --libs obs) "
                           "-Wl,-rpath,$$(pkg-config --variable=libdir obs)\n";

static const char go_mod[] = "module @\n\ngo 1.24\n\nrequire github.com/libobs/libobs/bindings/go v0.0.0\n";

typedef struct language {
    const char *name;
    const char *command; /* in the manifest */
    const char *file;
    const char *text;
    const char *build; /* of the test */
    const char *run;
    const char *more; /* a further file, or NULL */
    const char *more_text;
} language;

static const language languages[] = {
    {"python", "python3, handler.py", "handler.py", python, "", "python3 handler.py", NULL, NULL},
    {"c", "./handler", "handler.c", c, "make -s handler\n", "./handler", "Makefile", make},
    {"go", "./handler", "handler.go", go, "CGO_LDFLAGS=-Wl,-rpath,$(pkg-config --variable=libdir obs) go build -o handler .\n",
     "./handler", "go.mod", go_mod},
};

/* Replaces @ by the name, and COMMAND, BUILD and RUN by what the language has. */
static void write_text(FILE *out, const char *text, const char *name, const language *wanted)
{
    const struct {
        const char *word, *value;
    } words[] = {{"@", name}, {"COMMAND", wanted->command}, {"BUILD", wanted->build}, {"RUN", wanted->run}};
    while (*text) {
        size_t i = 0;
        while (i < 4 && strncmp(text, words[i].word, strlen(words[i].word)) != 0)
            i++;
        /* "$@" of make and "@obs" of Python stay. */
        int is_own = i == 0 && (text[1] == 'o' && text[2] == 'b');
        if (i == 4 || is_own)
            fputc(*text++, out);
        else {
            fputs(words[i].value, out);
            text += strlen(words[i].word);
        }
    }
}

static obs_status write_file(ctl *ctl, const char *folder, const char *file, const char *text, const language *wanted,
                             mode_t mode)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *out = fopen(path, "wxe");
    if (!out)
        return ctl_fail_system(ctl, "write", path);
    if (text == make)
        fputs(text, out);
    else
        write_text(out, text, ctl->arguments[0], wanted);
    int failed = ferror(out) | fchmod(fileno(out), mode);
    if (fclose(out) != 0 || failed)
        return ctl_fail_system(ctl, "write", path);
    return OBS_OK;
}

static obs_status choose(ctl *ctl, const language **out)
{
    *out = NULL;
    for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++)
        if (ctl_get(ctl, languages[i].name)) {
            if (*out)
                return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "one language at a time: --python, --c or --go");
            *out = &languages[i];
        }
    return *out ? OBS_OK : ctl_fail(ctl, OBS_INVALID_ARGUMENT, "say in which language: --python, --c or --go");
}

static obs_status check_name(ctl *ctl)
{
    const char *name = ctl->arguments[0];
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-");
    if (!*name || name[size] || size > 64 || strchr("._-", *name))
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "'%s' is no name of a function: 1 to 64 of [a-z0-9._-]", name);
    return OBS_OK;
}

static obs_status write_all(ctl *ctl, const char *folder, const language *wanted)
{
    obs_status status = write_file(ctl, folder, "function.yaml", manifest, wanted, 0600);
    if (status == OBS_OK)
        status = write_file(ctl, folder, wanted->file, wanted->text, wanted, 0600);
    if (status == OBS_OK && wanted->more)
        status = write_file(ctl, folder, wanted->more, wanted->more_text, wanted, 0600);
    if (status == OBS_OK)
        status = write_file(ctl, folder, "event.json", event, wanted, 0600);
    if (status == OBS_OK)
        status = write_file(ctl, folder, "test", test, wanted, 0700);
    return status;
}

obs_status ctl_run_function_new(ctl *ctl)
{
    const language *wanted;
    char folder[PATH_MAX];
    obs_status status = choose(ctl, &wanted);
    if (status == OBS_OK)
        status = check_name(ctl);
    if (status == OBS_OK)
        status = ctl_open(ctl);
    if (status != OBS_OK)
        return status;
    snprintf(folder, sizeof folder, "%s/functions", obs_client_workspace(ctl->client));
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return ctl_fail_system(ctl, "make", folder);
    snprintf(folder, sizeof folder, "%s/functions/%s", obs_client_workspace(ctl->client), ctl->arguments[0]);
    if (mkdir(folder, 0700) != 0)
        return errno == EEXIST ? ctl_fail(ctl, OBS_ALREADY_EXISTS, "there is a function '%s' already", ctl->arguments[0])
                               : ctl_fail_system(ctl, "make", folder);
    status = write_all(ctl, folder, wanted);
    if (status == OBS_OK && ctl->json)
        ctl_print_json(json_pack("{s:s,s:o}", "function", ctl->arguments[0], "folder", ctl_text(folder)));
    else if (status == OBS_OK) {
        ctl_print_text(stdout, folder, strlen(folder));
        putchar('\n');
    }
    return status;
}
