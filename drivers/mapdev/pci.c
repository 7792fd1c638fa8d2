// SPDX-License-Identifier: GPL-2.0
/*
 * mapdev_pci: memory BARs of PCI devices as windows, the first client of
 * linux/mapdev.h.
 *
 * It has no device table: root binds a device, by address (driver_override) or
 * by ID (new_id). Each memory BAR of at least a page becomes a region
 * pci-DDDD-BB-DD.F-barN. Programs cannot reach the pages of an MSI-X table. The
 * driver enables neither interrupts nor DMA. A device is suspended (D3) with the
 * system and, if root writes "auto" to its power/control, while none of its
 * nodes is open.
 */
#define pr_fmt(fmt) "mapdev_pci: " fmt

#include <linux/cleanup.h>
#include <linux/kstrtox.h>
#include <linux/mapdev.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/string.h>

#include "cache_names.h"

static int cache_set(const char *value, const struct kernel_param *kp)
{
	int cache = sysfs_match_string(mapdev_cache_names, value);

	if (cache < 0)
		return cache;
	WRITE_ONCE(*(int *)kp->arg, cache);
	return 0;
}

static int cache_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%s\n", mapdev_cache_names[*(int *)kp->arg]);
}

static const struct kernel_param_ops cache_ops = {
	.set = cache_set,
	.get = cache_get,
};

static int cache = MAPDEV_WC;
module_param_cb(cache, &cache_ops, &cache, 0644);
MODULE_PARM_DESC(cache, "cache mode of prefetchable BARs of devices bound from now on: wb, wc, uc (default: wc); all others are uc");

/* An octal mode; 0 would be the default of linux/mapdev.h. */
static int mode_set(const char *value, const struct kernel_param *kp)
{
	u16 mode;

	if (kstrtou16(value, 8, &mode) || !mode || mode & ~0777)
		return -EINVAL;
	WRITE_ONCE(*(u16 *)kp->arg, mode);
	return 0;
}

static int mode_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%04o\n", *(u16 *)kp->arg);
}

static const struct kernel_param_ops mode_ops = {
	.set = mode_set,
	.get = mode_get,
};

static u16 mode = 0600;
module_param_cb(mode, &mode_ops, &mode, 0644);
MODULE_PARM_DESC(mode, "permissions of the nodes of devices bound from now on, in octal (default: 0600)");

/* Why a device cannot answer. Reasons overlap, and are independent. */
#define AWAY_ASLEEP	BIT(0)
#define AWAY_RESET	BIT(1)
#define AWAY_ERROR	BIT(2)
#define AWAY_SHUTDOWN	BIT(3)

/**
 * struct mapdev_pci - a device that is bound
 * @bars: the region of each BAR that has one
 * @lock: protects @away and keeps the regions in step with it
 * @away: AWAY_*; the regions are live when it is 0
 */
struct mapdev_pci {
	struct mapdev_region *bars[PCI_STD_NUM_BARS];
	struct mutex lock;	/* see above */
	unsigned long away;
};

/* Hide the MSI-X table: its entries say where the device writes to. */
static void hide_msix(struct pci_dev *pdev, int bar, struct mapdev_desc *desc)
{
	u32 table, start, end;
	u16 control;

	if (!pdev->msix_cap)
		return;
	pci_read_config_word(pdev, pdev->msix_cap + PCI_MSIX_FLAGS, &control);
	pci_read_config_dword(pdev, pdev->msix_cap + PCI_MSIX_TABLE, &table);
	if ((table & PCI_MSIX_TABLE_BIR) != bar)
		return;

	start = table & PCI_MSIX_TABLE_OFFSET;
	end = start + ((control & PCI_MSIX_FLAGS_QSIZE) + 1) *
	      PCI_MSIX_ENTRY_SIZE;
	desc->hole_offset = round_down(start, PAGE_SIZE);
	desc->hole_size = round_up(end, PAGE_SIZE) - desc->hole_offset;
}

/* Why a BAR cannot be a window; NULL if it can. */
static const char *skip_reason(struct pci_dev *pdev, int bar,
			       const struct mapdev_desc *desc)
{
	if (!(pci_resource_flags(pdev, bar) & IORESOURCE_MEM))
		return "I/O ports";
	if (!PAGE_ALIGNED(desc->size) || !PAGE_ALIGNED(desc->phys))
		return "less than a page";
	if (desc->hole_size >= desc->size)
		return "only the MSI-X table";
	return NULL;
}

static int add_bar(struct pci_dev *pdev, struct mapdev_pci *dev, int bar)
{
	bool prefetch = pci_resource_flags(pdev, bar) & IORESOURCE_PREFETCH;
	struct mapdev_region *region;
	struct mapdev_desc desc = {
		.parent		= &pdev->dev,
		.size		= pci_resource_len(pdev, bar),
		.memory		= MAPDEV_EXPORT_FRAMES,
		.phys		= pci_resource_start(pdev, bar),
		.cache		= prefetch ? READ_ONCE(cache) : MAPDEV_UC,
		.mode		= READ_ONCE(mode),
		.lockdown	= LOCKDOWN_PCI_ACCESS,
	};
	char name[MAPDEV_NAME_MAX + 1];
	const char *reason;
	int err;

	if (!desc.size)
		return 0;
	hide_msix(pdev, bar, &desc);
	reason = skip_reason(pdev, bar, &desc);
	if (reason) {
		pci_info(pdev, "BAR %d: not a window: %s\n", bar, reason);
		return 0;
	}
	if (desc.hole_size)
		pci_info(pdev, "BAR %d: hiding %llu bytes at %#llx, which have the MSI-X table\n",
			 bar, desc.hole_size, desc.hole_offset);

	err = pcim_request_region(pdev, bar, KBUILD_MODNAME);
	if (err)
		return err;
	snprintf(name, sizeof(name), "pci-%04x-%02x-%02x.%d-bar%d",
		 pci_domain_nr(pdev->bus), pdev->bus->number,
		 PCI_SLOT(pdev->devfn), PCI_FUNC(pdev->devfn), bar);
	desc.name = name;
	region = mapdev_register(&desc);
	if (IS_ERR(region))
		return PTR_ERR(region);
	dev->bars[bar] = region;
	return 0;
}

static void retire_all(struct mapdev_pci *dev)
{
	for (int bar = 0; bar < PCI_STD_NUM_BARS; bar++)
		if (dev->bars[bar])
			mapdev_unregister(dev->bars[bar]);
}

/* The first reason revokes the regions. An error can be reported twice. */
static void begin_away(struct pci_dev *pdev, unsigned long why)
{
	struct mapdev_pci *dev = pci_get_drvdata(pdev);

	guard(mutex)(&dev->lock);
	for (int bar = 0; !dev->away && bar < PCI_STD_NUM_BARS; bar++)
		if (dev->bars[bar])
			mapdev_revoke(dev->bars[bar]);
	dev->away |= why;
}

/* The end of the last reason restores them. */
static void end_away(struct pci_dev *pdev, unsigned long why)
{
	struct mapdev_pci *dev = pci_get_drvdata(pdev);

	guard(mutex)(&dev->lock);
	if (!(dev->away & why))
		return;
	dev->away &= ~why;
	for (int bar = 0; !dev->away && bar < PCI_STD_NUM_BARS; bar++)
		if (dev->bars[bar])
			mapdev_restore(dev->bars[bar]);
}

static int mapdev_pci_probe(struct pci_dev *pdev,
			    const struct pci_device_id *id)
{
	struct mapdev_pci *dev;
	int err;

	dev = devm_kzalloc(&pdev->dev, sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return -ENOMEM;
	mutex_init(&dev->lock);
	err = pci_enable_device_mem(pdev);
	if (err)
		return err;
	/* Programs must not make the device write to memory. */
	pci_clear_master(pdev);
	/* Error recovery restores this, not the state before the driver. */
	pci_save_state(pdev);

	for (int bar = 0; !err && bar < PCI_STD_NUM_BARS; bar++)
		err = add_bar(pdev, dev, bar);
	if (!err && !memchr_inv(dev->bars, 0, sizeof(dev->bars))) {
		pci_err(pdev, "no BAR can be a window\n");
		err = -ENODEV;
	}
	if (err) {
		retire_all(dev);
		pci_disable_device(pdev);
		return err;
	}
	pci_set_drvdata(pdev, dev);
	/* From here on only open files keep the device awake. */
	pm_runtime_put_noidle(&pdev->dev);
	return 0;
}

/* The device may be gone already. devres releases its resources afterwards. */
static void mapdev_pci_remove(struct pci_dev *pdev)
{
	pm_runtime_get_noresume(&pdev->dev);
	retire_all(pci_get_drvdata(pdev));
	pci_disable_device(pdev);
}

/* --- When the device cannot answer --- */

static int mapdev_pci_suspend(struct device *dev)
{
	begin_away(to_pci_dev(dev), AWAY_ASLEEP);
	return 0;
}

static int mapdev_pci_resume(struct device *dev)
{
	end_away(to_pci_dev(dev), AWAY_ASLEEP);
	return 0;
}

static DEFINE_RUNTIME_DEV_PM_OPS(mapdev_pci_pm, mapdev_pci_suspend,
				 mapdev_pci_resume, NULL);

static pci_ers_result_t mapdev_pci_error_detected(struct pci_dev *pdev,
						  pci_channel_state_t state)
{
	begin_away(pdev, AWAY_ERROR);
	switch (state) {
	case pci_channel_io_normal:
		return PCI_ERS_RESULT_CAN_RECOVER;
	case pci_channel_io_frozen:
		return PCI_ERS_RESULT_NEED_RESET;
	default:
		return PCI_ERS_RESULT_DISCONNECT;
	}
}

static pci_ers_result_t mapdev_pci_mmio_enabled(struct pci_dev *pdev)
{
	return PCI_ERS_RESULT_RECOVERED;
}

static pci_ers_result_t mapdev_pci_slot_reset(struct pci_dev *pdev)
{
	pci_restore_state(pdev);
	return PCI_ERS_RESULT_RECOVERED;
}

static void mapdev_pci_error_resume(struct pci_dev *pdev)
{
	end_away(pdev, AWAY_ERROR);
}

static void mapdev_pci_reset_prepare(struct pci_dev *pdev)
{
	begin_away(pdev, AWAY_RESET);
}

static void mapdev_pci_reset_done(struct pci_dev *pdev)
{
	end_away(pdev, AWAY_RESET);
}

static const struct pci_error_handlers mapdev_pci_errors = {
	.error_detected	= mapdev_pci_error_detected,
	.mmio_enabled	= mapdev_pci_mmio_enabled,
	.slot_reset	= mapdev_pci_slot_reset,
	.reset_prepare	= mapdev_pci_reset_prepare,
	.reset_done	= mapdev_pci_reset_done,
	.resume		= mapdev_pci_error_resume,
};

/* Never restored: opening a node must not make the regions live again. */
static void mapdev_pci_shutdown(struct pci_dev *pdev)
{
	begin_away(pdev, AWAY_SHUTDOWN);
}

static struct pci_driver mapdev_pci_driver = {
	.name		= KBUILD_MODNAME,
	.probe		= mapdev_pci_probe,
	.remove		= mapdev_pci_remove,
	.shutdown	= mapdev_pci_shutdown,
	.driver.pm	= pm_ptr(&mapdev_pci_pm),
	.err_handler	= &mapdev_pci_errors,
};
module_pci_driver(mapdev_pci_driver);

MODULE_DESCRIPTION("PCI BARs for programs to map");
MODULE_AUTHOR("The mapdev developers");
MODULE_LICENSE("GPL");
