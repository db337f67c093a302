/* See simulate.h. */
#include "simulate.h"

#include <errno.h>
#include <linux/audit.h>
#include <string.h>

#include "isolation/syscall_table.h"

static bool is_jump_inside(const struct sock_filter *i, size_t at, size_t length)
{
	if (BPF_OP(i->code) == BPF_JA)
		return i->k < length - at - 1;
	return at + i->jt + 1 < length && at + i->jf + 1 < length;
}

const char *simulate_check(const struct sock_filter *filter, size_t length)
{
	if (!length || length > BPF_MAXINSNS)
		return "length";
	for (size_t at = 0; at < length; at++) {
		const struct sock_filter *i = &filter[at];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (i->k >= sizeof(struct seccomp_data) || i->k & 3)
				return "load outside of the data";
			break;
		case BPF_ALU | BPF_AND | BPF_K:
		case BPF_RET | BPF_K: break;
		case BPF_ALU | BPF_RSH | BPF_K:
			if (i->k >= 32)
				return "shift";
			break;
		case BPF_MISC | BPF_TAX:
		case BPF_LD | BPF_IMM: break;
		case BPF_LD | BPF_MEM:
		case BPF_ST:
			if (i->k >= BPF_MEMWORDS)
				return "memory";
			break;
		case BPF_JMP | BPF_JA:
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
		case BPF_JMP | BPF_JSET | BPF_K:
			if (!is_jump_inside(i, at, length))
				return "jump outside of the filter";
			break;
		default: return "instruction";
		}
	}
	return BPF_CLASS(filter[length - 1].code) == BPF_RET ? NULL : "no return at the end";
}

uint32_t simulate(const struct sock_filter *filter, size_t length, const struct seccomp_data *data,
	uint8_t *covered, unsigned *ret_steps)
{
	uint32_t a = 0, memory[BPF_MEMWORDS] = {0};
	unsigned steps = 0;

	for (size_t at = 0; at < length; at++) {
		const struct sock_filter *i = &filter[at];
		bool holds = false;

		steps++;
		if (covered)
			covered[at] = 1;
		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			if (BPF_MODE(i->code) == BPF_ABS)
				memcpy(&a, (const char *)data + i->k, sizeof(a));
			else
				a = BPF_MODE(i->code) == BPF_MEM ? memory[i->k] : i->k;
			continue;
		case BPF_ST: memory[i->k] = a; continue;
		case BPF_ALU: a = BPF_OP(i->code) == BPF_AND ? a & i->k : a >> i->k; continue;
		case BPF_RET:
			if (ret_steps)
				*ret_steps = steps;
			return i->k;
		case BPF_JMP: break;
		default: continue;
		}
		switch (BPF_OP(i->code)) {
		case BPF_JA: at += i->k; continue;
		case BPF_JEQ: holds = a == i->k; break;
		case BPF_JGT: holds = a > i->k; break;
		case BPF_JGE: holds = a >= i->k; break;
		default: holds = a & i->k; break; /* BPF_JSET */
		}
		at += holds ? i->jt : i->jf;
	}
	return SECCOMP_RET_KILL_PROCESS; /* unreachable in a checked filter */
}

/* ---- documents ---- */

static uint32_t document_action(const json_t *action, const json_t *number)
{
	const char *word = json_string_value(action);
	bool trace = strcmp(word, "SCMP_ACT_TRACE") == 0;

	if (strcmp(word, "SCMP_ACT_ALLOW") == 0)
		return SECCOMP_RET_ALLOW;
	if (strcmp(word, "SCMP_ACT_LOG") == 0)
		return SECCOMP_RET_LOG;
	if (strcmp(word, "SCMP_ACT_TRAP") == 0)
		return SECCOMP_RET_TRAP;
	if (!trace && strcmp(word, "SCMP_ACT_ERRNO") != 0)
		return SECCOMP_RET_KILL_PROCESS;
	if (json_is_integer(number))
		return SECCOMP_RET_ERRNO | (uint32_t)json_integer_value(number);
	return SECCOMP_RET_ERRNO | (trace ? ENOSYS : EPERM);
}

static bool condition_holds(const json_t *condition, const uint64_t *arguments)
{
	const char *operator= json_string_value(json_object_get(condition, "op"));
	uint64_t value = (uint64_t)json_integer_value(json_object_get(condition, "value"));
	uint64_t second = (uint64_t)json_integer_value(json_object_get(condition, "valueTwo"));
	uint64_t is = arguments[json_integer_value(json_object_get(condition, "index"))];

	operator+= strlen("SCMP_CMP_");
	if (strcmp(operator, "NE") == 0)
		return is != value;
	if (strcmp(operator, "LT") == 0)
		return is < value;
	if (strcmp(operator, "LE") == 0)
		return is <= value;
	if (strcmp(operator, "EQ") == 0)
		return is == value;
	if (strcmp(operator, "GE") == 0)
		return is >= value;
	if (strcmp(operator, "GT") == 0)
		return is > value;
	return (is & value) == (second & value);
}

static bool entry_names(const json_t *entry, int number)
{
	const char *one = json_string_value(json_object_get(entry, "name"));
	json_t *name;
	size_t n;

	if (one && syscall_number(AUDIT_ARCH_X86_64, one) == number)
		return true;
	json_array_foreach(json_object_get(entry, "names"), n, name)
	{
		if (syscall_number(AUDIT_ARCH_X86_64, json_string_value(name)) == number)
			return true;
	}
	return false;
}

/* The kernel ranks actions by value, KILL_PROCESS being negative. */
static bool is_stricter(uint32_t action, uint32_t than)
{
	return (int32_t)(action & SECCOMP_RET_ACTION_FULL) <
	       (int32_t)(than & SECCOMP_RET_ACTION_FULL);
}

uint32_t document_says(const json_t *root, int number, const uint64_t *arguments)
{
	uint32_t otherwise = document_action(
		json_object_get(root, "defaultAction"), json_object_get(root, "defaultErrnoRet"));
	uint32_t strictest = otherwise;
	bool matched = false;
	json_t *entry, *condition;
	size_t i, n;

	for (int conditional = 0; conditional < 2; conditional++)
		json_array_foreach(json_object_get(root, "syscalls"), i, entry)
		{
			uint32_t action = document_action(json_object_get(entry, "action"),
				json_object_get(entry, "errnoRet"));
			const json_t *conditions = json_object_get(entry, "args");
			bool holds = action != otherwise &&
				     (json_array_size(conditions) > 0) == conditional &&
				     entry_names(entry, number);

			if (holds && !conditional)
				return action;
			json_array_foreach(conditions, n, condition)
			{
				holds = holds && condition_holds(condition, arguments);
			}
			if (!holds || (matched && !is_stricter(action, strictest)))
				continue;
			strictest = action;
			matched = true;
		}
	return strictest;
}
