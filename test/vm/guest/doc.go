// Command guest is the first process of the test VM. It loads modules from the
// initramfs, mounts the trees that the runner shares, switches to a tmpfs root,
// runs the jobs one after the other and powers the machine off.
//
// Trust: everything comes from the runner. Ownership: the whole machine.
// Concurrency: process 1 only reaps; a child of it runs the jobs. Nobody
// imports it.
//
// # Decisions
//
//   - The guest's /usr is the machine's own, shared read-only over 9p: tests find
//     a real userland and nothing has to be copied into an image.
//   - cgroup v2 alone is mounted, as on a host with a current systemd.
package main
