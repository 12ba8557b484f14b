// The program that attacks try to run. Built twice, alike in size: harmless,
// and with EVIL=1, which says so with its very first system call. The harmless
// one does, too, when it finds an argument that no rule allows.
static long call(long nr, long a, long b, long c)
{
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "0"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return r;
}

static void escape(void)
{
	call(1, 1, (long)"ESCAPED\n", 8);
	call(60, 66, 0, 0);
}

static int same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

volatile const int evil = EVIL;

__attribute__((used)) void begin(long *sp)
{
	char **argv = (char **)(sp + 1);
	long time[2] = {5, 0};

	if (evil)
		escape();
	for (long i = 0; i < *sp; i++)
		if (same(argv[i], "unsafe"))
			escape();
	if (*sp > 2 && same(argv[2], "stay"))
		call(35, (long)time, 0, 0);
	if (*sp > 2 && same(argv[2], "watch"))
		for (long n = 0; n < 2000000; n++)
			if (((volatile char *)argv[1])[0] == 'u')
				escape();
	call(60, 0, 0, 0);
}

__attribute__((naked)) void _start(void)
{
	__asm__("mov %rsp, %rdi\n\tand $-16, %rsp\n\tcall begin");
}
