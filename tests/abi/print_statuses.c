/* Prints the table of docs/errors.md from the library's own. */
#include <obs/error.h>

#include <stdio.h>

int main(void)
{
    obs_status status;
    for (size_t i = 0; obs_status_at(i, &status); i++)
        printf("| %d | `OBS_%s` | %s | %s | %d |\n", status, obs_status_name(status), obs_status_text(status),
               obs_status_retryable(status) ? "yes" : "no", obs_status_exit_code(status));
    return 0;
}
