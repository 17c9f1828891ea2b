/*
 * A plugin of qemu-user that counts how often each block of instructions is executed.
 *
 * At the end it writes a line a block to the file that it is given (-plugin blocks.so,out=FILE): address of its first
 * instruction, less that of the program's first, number of instructions, times that it was executed; the last line
 * says "done". Counts of blocks that several threads execute at once may be too small by a few.
 *
 * The declarations are those of QEMU's qemu-plugin.h, version 1 of the interface, which distributions do not pack.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int operation, void *, uint64_t);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void *), void *);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
extern uint64_t qemu_plugin_start_code(void);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum { ADD_U64 = 0 };

/* A block may be translated more than once; each translation has a count of its own. */
struct block {
    struct block *next;
    uint64_t address, instructions, count;
};

static struct block *blocks;
static const char *out;

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    struct block *block = calloc(1, sizeof *block);
    if (!block)
        abort();
    block->address = qemu_plugin_tb_vaddr(tb);
    block->instructions = qemu_plugin_tb_n_insns(tb);
    do
        block->next = __atomic_load_n(&blocks, __ATOMIC_ACQUIRE);
    while (!__sync_bool_compare_and_swap(&blocks, block->next, block));
    qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD_U64, &block->count, 1);
}

static void finished(qemu_plugin_id_t id, void *data)
{
    (void)id;
    (void)data;
    FILE *file = fopen(out, "w");
    if (!file)
        return;
    uint64_t start = qemu_plugin_start_code();
    for (const struct block *block = blocks; block; block = block->next)
        if (block->count && block->address >= start)
            fprintf(file, "%" PRIx64 " %" PRIu64 " %" PRIu64 "\n", block->address - start, block->instructions, block->count);
    fputs("done\n", file);
    fclose(file);
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int count, char **arguments)
{
    (void)info;
    for (int i = 0; i < count; i++)
        if (!strncmp(arguments[i], "out=", 4))
            out = strdup(arguments[i] + 4);
    if (!out) {
        fputs("blocks: out=FILE is missing\n", stderr);
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, finished, NULL);
    return 0;
}
