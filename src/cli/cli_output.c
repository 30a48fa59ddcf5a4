/* Output files that appear whole or not at all (cli_output.h). */
#include "cli_output.h"

#include "cli.h"
#include "cli_progress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int discard(cli_output *output)
{
    if (output->stream != NULL && output->stream != stdout)
        fclose(output->stream);
    if (output->temporary[0] != '\0')
        unlink(output->temporary);
    output->stream = NULL;
    output->temporary[0] = '\0';
    return CLI_FAILED;
}

/* The mode that a plain open would give a new file. */
static mode_t new_file_mode(void)
{
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

static int open_temporary(cli_output *out, mode_t mode)
{
    const char *slash = strrchr(out->path, '/');
    int folder_length = slash != NULL ? (int)(slash - out->path + 1) : 0;
    int length = snprintf(out->temporary, sizeof out->temporary, "%.*s.gpucharts-XXXXXX",
                          folder_length, out->path);
    if (length < 0 || (size_t)length >= sizeof out->temporary) {
        out->temporary[0] = '\0';
        return cli_fail("%s: the path is too long", out->shown);
    }
    int descriptor = mkstemp(out->temporary);
    if (descriptor < 0) {
        out->temporary[0] = '\0';
        return cli_fail("%s: %s", out->shown, strerror(errno));
    }
    out->stream = fchmod(descriptor, mode) == 0 ? fdopen(descriptor, "wb") : NULL;
    if (out->stream == NULL) {
        int code = cli_fail("%s: %s", out->shown, strerror(errno));
        close(descriptor);
        discard(out);
        return code;
    }
    return CLI_OK;
}

int cli_output_open(const char *path, cli_output *out)
{
    *out = (cli_output){.shown = path};
    cli_signal_catch();
    if (strcmp(path, "-") == 0) {
        out->shown = "standard output";
        out->stream = stdout;
        return CLI_OK;
    }
    struct stat status;
    if (stat(path, &status) != 0) {
        if (errno != ENOENT)
            return cli_fail("%s: %s", path, strerror(errno));
        int length = snprintf(out->path, sizeof out->path, "%s", path);
        if (length < 0 || (size_t)length >= sizeof out->path)
            return cli_fail("%s: the path is too long", path);
        return open_temporary(out, new_file_mode());
    }
    if (S_ISDIR(status.st_mode))
        return cli_fail("%s: is a folder, not a file", path);
    if (!S_ISREG(status.st_mode)) {
        out->stream = fopen(path, "wb");
        return out->stream != NULL ? CLI_OK : cli_fail("%s: %s", path, strerror(errno));
    }
    if (access(path, W_OK) != 0 || realpath(path, out->path) == NULL)
        return cli_fail("%s: %s", path, strerror(errno));
    return open_temporary(out, status.st_mode & 07777);
}

int cli_output_commit(cli_output *output)
{
    bool is_stdout = output->stream == stdout;
    bool is_written = fflush(output->stream) == 0 && !ferror(output->stream);
    if (is_written && !is_stdout) {
        is_written = fclose(output->stream) == 0;
        output->stream = NULL;
    }
    if (!is_written) {
        int code = cli_fail("%s: %s", output->shown, strerror(errno));
        discard(output);
        return code;
    }
    if (cli_signal_caught() != 0)
        return discard(output);
    if (output->temporary[0] != '\0' && rename(output->temporary, output->path) != 0) {
        int code = cli_fail("%s: %s", output->shown, strerror(errno));
        discard(output);
        return code;
    }
    output->stream = NULL;
    return CLI_OK;
}

int cli_output_abandon(cli_output *output)
{
    return discard(output);
}
