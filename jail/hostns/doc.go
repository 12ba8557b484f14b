// Package hostns starts processes in the host's mount and network namespaces,
// for a supervisor that a service manager gave namespaces of its own.
//
// A service's sandbox (ProtectSystem, PrivateNetwork, IPAddressDeny, DevicePolicy)
// is inherited by what it starts, and jails show and change what the service must
// not. So the supervisor keeps the sandbox, and those of its children that need
// the host are started past it: the shims of jails, the egress proxy, the counter
// that limits are shared by, hooks. They get a cgroup of their own, too, because a
// service's rules on devices and addresses hold for its whole cgroup.
//
// Trust: it holds against a supervisor that errs: a path that is not what was
// meant, a destination that a parser made up. A supervisor that runs somebody
// else's code can do what this package does.
//
// Ownership: a Host owns its descriptors until Close. A nil Host is the namespaces
// that the caller is in.
//
// Concurrency: all functions may be called by several goroutines.
//
// May be imported by the supervisor, and by the packages that start its children.
//
// # Decisions
//
//   - setns on a thread that ends after, not nsenter in between: one program less,
//     and the child is still this process's own.
//   - The service manager's unit names the host's namespaces by a flag. A
//     supervisor that looked for itself whether it is in another namespace than
//     process 1 would leave a container, or a test, that it was put in.
//   - One cgroup for all of these children: nobody counts or kills by it.
package hostns
