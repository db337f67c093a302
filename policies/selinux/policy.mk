# The SELinux policy: `make policy` compiles it into $(BUILD)/selinux/immure.pp, which works on the policy that it was compiled against.
# `make install-policy` and `make uninstall-policy` (root) put it into the running policy, at the priority of the administrator's modules,
# and take it out again. The files of other packages that have a type in it get the label that the policy then has for them.
# Needs Debian's selinux-policy-dev and policycoreutils (Fedora: selinux-policy-devel).
BUILD ?= build
SELINUX_DEVEL ?= /usr/share/selinux/devel/Makefile
SEMODULE ?= semodule
RESTORECON ?= restorecon
LABELLED := /usr/bin/newuidmap /usr/bin/newgidmap

policy: $(BUILD)/selinux/immure.pp

$(BUILD)/selinux/immure.pp: policies/selinux/immure.te policies/selinux/immure.fc policies/selinux/immure.if
	@test -f $(SELINUX_DEVEL) || { echo "policy: no $(SELINUX_DEVEL); install selinux-policy-dev" >&2; exit 1; }
	mkdir -p $(@D)
	cp $^ $(@D)/
	$(MAKE) --no-print-directory -C $(@D) -f $(SELINUX_DEVEL) immure.pp

install-policy: $(BUILD)/selinux/immure.pp
	$(SEMODULE) -X 400 -i $<
	$(RESTORECON) -F -i $(LABELLED)

uninstall-policy:
	$(SEMODULE) -X 400 -r immure
	$(RESTORECON) -F -i $(LABELLED)

.PHONY: policy install-policy uninstall-policy
