/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cache mode of a window: page protections, the kernel's own mapping, and
 * whether the machine gives what was asked for.
 */
#ifndef _MAPDEV_CACHE_H
#define _MAPDEV_CACHE_H

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <uapi/linux/mapdev.h>

#ifdef CONFIG_MMU

/* For page table entries of programs: devices do not decrypt. */
static inline pgprot_t mapdev_pgprot(pgprot_t prot, enum mapdev_cache cache)
{
	if (cache == MAPDEV_UC)
		prot = pgprot_noncached(prot);
	else if (cache == MAPDEV_WC)
		prot = pgprot_writecombine(prot);
	return pgprot_decrypted(prot);
}

/* Has this architecture, as it was booted, the mode at all? */
static inline bool mapdev_cache_exists(enum mapdev_cache cache)
{
	/* Where there is none, write-combining is another word for uncached. */
	if (cache == MAPDEV_WC)
		return pgprot_val(pgprot_writecombine(PAGE_KERNEL)) !=
		       pgprot_val(pgprot_noncached(PAGE_KERNEL));
#ifndef ioremap_cache
	if (cache == MAPDEV_WB)
		return false;
#endif
	return true;
}

static inline void __iomem *mapdev_ioremap(phys_addr_t phys, size_t size,
					   enum mapdev_cache cache)
{
#ifdef ioremap_cache
	if (cache == MAPDEV_WB)
		return ioremap_cache(phys, size);
#endif
	return cache == MAPDEV_WC ? ioremap_wc(phys, size) :
				    ioremap(phys, size);
}

#else

static inline pgprot_t mapdev_pgprot(pgprot_t prot, enum mapdev_cache cache)
{
	return prot;
}

/* Memory has one address, and is cached as the machine is built: called wb. */
static inline bool mapdev_cache_exists(enum mapdev_cache cache)
{
	return cache == MAPDEV_WB;
}

static inline void __iomem *mapdev_ioremap(phys_addr_t phys, size_t size,
					   enum mapdev_cache cache)
{
	return ioremap(phys, size);
}

#endif

/*
 * On x86 the answer to a request may be another mode: the one that somebody has
 * reserved before, or that an MTRR demands. The kernel's own entry shows it.
 */
#ifdef CONFIG_X86
static inline bool mapdev_cache_is(void __iomem *io, enum mapdev_cache cache)
{
	static const enum page_cache_mode modes[] = {
		[MAPDEV_WB] = _PAGE_CACHE_MODE_WB,
		[MAPDEV_WC] = _PAGE_CACHE_MODE_WC,
		[MAPDEV_UC] = _PAGE_CACHE_MODE_UC_MINUS,
	};
	/* Their PAT bit is 0, and in large entries that place is PSE. */
	const unsigned long bits = _PAGE_PWT | _PAGE_PCD;
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)io, &level);

	return pte && (pte_val(*pte) & bits) == cachemode2protval(modes[cache]);
}
#else
static inline bool mapdev_cache_is(void __iomem *io, enum mapdev_cache cache)
{
	return true;
}
#endif

#endif /* _MAPDEV_CACHE_H */
