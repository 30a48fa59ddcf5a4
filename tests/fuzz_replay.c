/* Replays a fuzz target over files or folders of a corpus, as an ordinary test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static int replay_count = 0;

static void replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat info;
    if (file == NULL || fstat(fileno(file), &info) != 0) {
        perror(path);
        exit(1);
    }
    if (S_ISDIR(info.st_mode)) {
        fclose(file);
        DIR *folder = opendir(path);
        if (folder == NULL) {
            perror(path);
            exit(1);
        }
        for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
            char inner[4096];
            if (entry->d_name[0] == '.')
                continue;
            snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
            replay(inner);
        }
        closedir(folder);
        return;
    }
    size_t count = (size_t)info.st_size;
    uint8_t *bytes = malloc(count > 0 ? count : 1);
    if (bytes == NULL || fread(bytes, 1, count, file) != count) {
        perror(path);
        exit(1);
    }
    fclose(file);
    (void)LLVMFuzzerTestOneInput(bytes, count);
    free(bytes);
    replay_count++;
}

int main(int argument_count, char **arguments)
{
    for (int i = 1; i < argument_count; i++)
        replay(arguments[i]);
    printf("%d inputs replayed\n", replay_count);
    return replay_count > 0 ? 0 : 1;
}
