/* dma-heap and its system heap as one module: a kernel that has them has them built in, Debian's arm64 one leaves them out. */
#include <linux/module.h>

/* Each file's own start becomes an ordinary function. */
#undef subsys_initcall
#undef module_init
#define subsys_initcall(function)
#define module_init(function)
#include "dma-heap.c"
#include "system_heap.c"

static int __init box_heap_init(void)
{
	int failed = dma_heap_init();

	return failed ? failed : system_heap_create();
}

int init_module(void) __copy(box_heap_init) __attribute__((alias("box_heap_init")));
MODULE_DESCRIPTION("dma-heap with the system heap");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DMA_BUF);
