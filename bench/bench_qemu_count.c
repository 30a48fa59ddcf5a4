/* A plugin for QEMU's user-mode emulator that counts executed guest instructions.
 *
 *     cc -shared -fPIC -O2 -o count.so bench_qemu_count.c
 *     GCH_COUNT_FILE=count.bin qemu-aarch64 -plugin ./count.so PROGRAM
 *
 * When the guest makes the system call COUNT_CALL, which no kernel has, the count so far goes to
 * the file that GCH_COUNT_FILE names: 8 bytes, little-endian. bench_lean_instructions.c is the
 * other end. Counts are exact for one thread: a block of instructions is added when it is entered,
 * and a system call ends its block.
 *
 * The declarations are those of QEMU's plugin interface, version 1 (QEMU 4.2 to 8.1); Debian
 * packages no header of it.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT_CALL 0x67636800
#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
typedef void tb_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void tb_entered(unsigned int cpu, void *data);
typedef void system_call(qemu_plugin_id_t id, unsigned int cpu, int64_t number, uint64_t a1,
                         uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                         uint64_t a7, uint64_t a8);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_translated *callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, tb_entered *callback,
                                          int flags, void *data);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t id, system_call *callback);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

static uint64_t instruction_count;
static int file = -1;

static void on_enter(unsigned int cpu, void *data)
{
    (void)cpu;
    instruction_count += (uintptr_t)data;
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_enter, 0, (void *)qemu_plugin_tb_n_insns(tb));
}

static void on_call(qemu_plugin_id_t id, unsigned int cpu, int64_t number, uint64_t a1, uint64_t a2,
                    uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    (void)id, (void)cpu, (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7;
    (void)a8;
    if (number == COUNT_CALL && pwrite(file, &instruction_count, sizeof instruction_count, 0) < 0)
        perror("bench_qemu_count");
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info, (void)argc, (void)argv;
    const char *path = getenv("GCH_COUNT_FILE");
    file = path != NULL ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
    if (file < 0) {
        perror("bench_qemu_count: GCH_COUNT_FILE");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
    qemu_plugin_register_vcpu_syscall_cb(id, on_call);
    return 0;
}
