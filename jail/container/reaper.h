#define CJ_SHIM_ENV "_CLAWJAIL_SHIM"
#define CJ_PATH_MAX 4095
#define CJ_KEYRING_EXIT 125

enum cj_step { CJ_STEP_OK, CJ_STEP_CHDIR, CJ_STEP_PROC, CJ_STEP_CHROOT, CJ_STEP_CAPS };

// cj_start_reaper makes process 1 of a new pid namespace, with sync as its
// socket to the caller. It dies with the calling thread. Returns its pid or
// -errno.
int cj_start_reaper(int sync);

// cj_hold_userns makes a process in a new user namespace that lives until the
// other end of fd is closed or it is killed. Returns its pid or -errno. One at
// a time: the process must be reaped before the next call.
int cj_hold_userns(int fd);
