// SPDX-License-Identifier: GPL-2.0
/*
 * recovery: call the error handlers of a PCI driver one by one, from userspace and
 * without an error. Write "ADDRESS STEP" to the parameter step.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/string.h>

static int take_step(struct pci_dev *pdev, const char *step)
{
	const struct pci_error_handlers *handlers;

	/* As in drivers/pci/pcie/err.c: keep the driver bound. */
	guard(device)(&pdev->dev);
	handlers = pdev->driver ? pdev->driver->err_handler : NULL;
	if (!handlers)
		return -ENODEV;
	if (!strcmp(step, "frozen"))
		handlers->error_detected(pdev, pci_channel_io_frozen);
	else if (!strcmp(step, "failed"))
		handlers->error_detected(pdev, pci_channel_io_perm_failure);
	else if (!strcmp(step, "slot_reset"))
		handlers->slot_reset(pdev);
	else if (!strcmp(step, "resume"))
		handlers->resume(pdev);
	else
		return -EINVAL;
	return 0;
}

static int step_set(const char *value, const struct kernel_param *kp)
{
	unsigned int domain, bus, slot, function;
	struct pci_dev *pdev;
	char step[16];
	int err;

	if (sscanf(value, "%x:%x:%x.%x %15s", &domain, &bus, &slot, &function,
		   step) != 5)
		return -EINVAL;
	pdev = pci_get_domain_bus_and_slot(domain, bus, PCI_DEVFN(slot, function));
	if (!pdev)
		return -ENODEV;
	err = take_step(pdev, step);
	pci_dev_put(pdev);
	return err;
}

static const struct kernel_param_ops step_ops = { .set = step_set };
module_param_cb(step, &step_ops, NULL, 0200);

MODULE_DESCRIPTION("mapdev selftest: the steps of PCI error recovery");
MODULE_LICENSE("GPL");
