/* Reading what a server answers, piece by piece, as libcurl hands it over. */
#ifndef OBS_NET_ANSWER_H
#define OBS_NET_ANSWER_H

#include "net/curl.h"
#include "net/http.h"

typedef struct obs__answer {
    const obs__curl *curl;
    obs__http_response *response;
    const obs__http_request *request;
    obs__builder body;
    size_t header_bytes;
    int header_overflow;
    int has_end; /* the answer says where its body ends, so that one that was cut is noticed */
    char trouble[CURL_ERROR_SIZE];
} obs__answer;

/* For CURLOPT_HEADERFUNCTION and CURLOPT_WRITEFUNCTION; `user` is the obs__answer. */
size_t obs__answer_header(char *data, size_t size, size_t count, void *user);
size_t obs__answer_body(char *data, size_t size, size_t count, void *user);

#endif
