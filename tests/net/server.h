/* The web server of tests/net/server.py as a child of a test, with certificates that were made a moment ago. */
#ifndef OBS_TESTS_NET_SERVER_H
#define OBS_TESTS_NET_SERVER_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static struct server {
    const char *folder; /* ca.pem, other-ca.pem */
    pid_t pid;
    int in;
    int plain, tls, wrong, old;
} server;

static inline void make_certificates(const char *folder)
{
    static const char script[] =
        "cd '%s' && exec >log 2>&1 && set -e\n"
        "new='openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2'\n"
        "for ca in ca other-ca; do $new -subj /CN=$ca -keyout $ca.key -out $ca.pem -addext keyUsage=critical,keyCertSign; "
        "done\n"
        "openssl ecparam -genkey -name prime256v1 -out key.pem\n"
        "for host in 'cert IP:127.0.0.1' 'wrong DNS:elsewhere.example'; do set -- $host\n"
        "openssl req -new -key key.pem -subj /CN=test -out csr.pem; printf 'subjectAltName=%%s\\n' $2 >ext\n"
        "openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out $1.pem; done\n"
        "chmod 600 *.pem *.key\n";
    char command[4096];
    snprintf(command, sizeof command, script, folder);
    ck_assert_int_eq(system(command), 0);
}

static inline void server_start(const char *script)
{
    int in[2], out[2];
    server.folder = test_folder();
    make_certificates(server.folder);
    ck_assert_int_eq(pipe(in), 0);
    ck_assert_int_eq(pipe(out), 0);
    server.pid = fork();
    ck_assert_int_ge(server.pid, 0);
    if (server.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        execlp("python3", "python3", script, server.folder, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    server.in = in[1];
    FILE *lines = fdopen(out[0], "r");
    ck_assert_int_eq(fscanf(lines, "%d %d %d %d", &server.plain, &server.tls, &server.wrong, &server.old), 4);
    fclose(lines);
}

static inline void server_stop(void)
{
    if (!server.pid)
        return;
    close(server.in);
    kill(server.pid, SIGKILL);
    waitpid(server.pid, NULL, 0);
    server.pid = 0;
}

#endif
