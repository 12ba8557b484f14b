// Package otlp is how clawjail-gateway copies the audit log to receivers of
// OTLP logs: it takes batches from the supervisor and posts them as OTLP/HTTP
// JSON.
//
// # Trust
//
// Receivers are hostile as all servers are: their answers are bounded in size
// and time and decide nothing but whether a batch is done, refused or tried
// again. Records hold text of jails, which JSON carries.
//
// # Ownership and concurrency
//
// Run works until its context ends, one goroutine for each receiver.
//
// # Who may import it
//
// cmd/clawjail-gateway.
//
// # Decisions
//
//   - JSON and not protobuf: every receiver has to take both (OTLP 1.x, section
//     OTLP/HTTP), and the SDK would bring some forty packages for one POST.
//   - The queue is the supervisor's: it outlives the gateway, and there is one
//     place where what was dropped is counted.
package otlp
