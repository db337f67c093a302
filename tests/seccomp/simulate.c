/* See simulate.h. */
#include "simulate.h"

#include <string.h>

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

uint32_t simulate(const struct sock_filter *filter, size_t length, const struct seccomp_data *data, uint8_t *covered,
	unsigned *ret_steps)
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
