package gate

import (
	"errors"
	"testing"
	"time"
)

// processes are fake ones and the tokens of their threads.
type processes struct {
	tokens  map[[2]int32]bool // and whether it was used
	images  map[int32]uint64
	threads map[int32]int32 // to their process
}

func (p *processes) PutExec(t Token) (Origin, error) {
	p.tokens[[2]int32{t.TGID, t.TID}] = false
	return p.Origin(t.TID)
}

func (p *processes) Used(tgid, tid int32) bool { return p.tokens[[2]int32{tgid, tid}] }

func (p *processes) DropExec(tgid, tid int32) (bool, error) {
	used, ok := p.tokens[[2]int32{tgid, tid}]
	if !ok {
		return false, errors.New("no such token")
	}
	delete(p.tokens, [2]int32{tgid, tid})
	return used, nil
}

func (p *processes) Origin(tid int32) (Origin, error) {
	tgid, ok := p.threads[tid]
	if !ok {
		tgid = tid
	}
	i, ok := p.images[tgid]
	if !ok {
		return Origin{}, errors.New("no such process")
	}
	return Origin{TGID: tgid, Start: i >> 32, Image: [2]uint64{i}}, nil
}

func newProcesses() (*processes, *outstanding) {
	p := &processes{tokens: map[[2]int32]bool{}, images: map[int32]uint64{}, threads: map[int32]int32{}}
	return p, &outstanding{tokens: p}
}

// allow gives a token to a thread of a process that runs image n.
func (p *processes) allow(t *testing.T, o *outstanding, tgid, tid int32, n uint64, at time.Time) {
	t.Helper()
	p.images[tgid], p.threads[tid] = n, tgid
	if err := o.put(Token{TGID: tgid, TID: tid}, "", at); err != nil {
		t.Fatal(err)
	}
}

// use is an execution that the verifier saw.
func (p *processes) use(tgid, tid int32, n uint64) {
	p.tokens[[2]int32{tgid, tid}] = true
	p.images[tgid] = n
}

func TestSettling(t *testing.T) {
	start := time.Unix(1000, 0)
	tests := []struct {
		name string
		do   func(t *testing.T, p *processes, o *outstanding)
		want int // violations
	}{
		{"an execution that was seen", func(t *testing.T, p *processes, o *outstanding) {
			p.allow(t, o, 1, 1, 1, start)
			p.use(1, 1, 2)
		}, 0},
		{"an execution that nobody saw", func(t *testing.T, p *processes, o *outstanding) {
			p.allow(t, o, 1, 1, 1, start)
			p.images[1] = 2
		}, 1},
		{"one that nobody saw, before another that was seen", func(t *testing.T, p *processes, o *outstanding) {
			p.allow(t, o, 1, 1, 1, start)
			p.images[1] = 2
			p.allow(t, o, 1, 1, 2, start)
			p.use(1, 1, 3)
		}, 1},
		{"an execution that failed in the kernel", func(t *testing.T, p *processes, o *outstanding) {
			p.allow(t, o, 1, 1, 1, start)
		}, 0},
		{"one that failed, and another that was seen", func(t *testing.T, p *processes, o *outstanding) {
			p.allow(t, o, 1, 1, 1, start)
			p.allow(t, o, 1, 1, 1, start)
			p.use(1, 1, 2)
		}, 0},
		{"a process that has ended", func(t *testing.T, p *processes, o *outstanding) {
			p.allow(t, o, 1, 1, 1, start)
			delete(p.images, 1)
		}, 0},
		{"a process that has ended, and another one with its id", func(t *testing.T, p *processes, o *outstanding) {
			p.allow(t, o, 1, 1, 1, start)
			p.images[1] = 1<<32 + 1
		}, 0},
		{"the same, and that one executes", func(t *testing.T, p *processes, o *outstanding) {
			p.allow(t, o, 1, 1, 1, start)
			p.allow(t, o, 1, 1, 1<<32+1, start)
			p.use(1, 1, 1<<32+2)
		}, 0},
		{"two threads at once, the first succeeds", func(t *testing.T, p *processes, o *outstanding) {
			p.allow(t, o, 1, 1, 1, start)
			p.allow(t, o, 1, 2, 1, start.Add(time.Millisecond))
			p.use(1, 1, 2)
		}, 0},
		{"two threads at once, the second succeeds later", func(t *testing.T, p *processes, o *outstanding) {
			p.allow(t, o, 1, 1, 1, start)
			p.allow(t, o, 1, 2, 1, start.Add(2*settleAge))
			p.use(1, 2, 2)
		}, 0},
		{"two threads at once, and the one that succeeds executes again", func(t *testing.T, p *processes, o *outstanding) {
			p.allow(t, o, 1, 1, 1, start)
			p.allow(t, o, 1, 2, 1, start)
			p.use(1, 1, 2)
			p.allow(t, o, 1, 1, 2, start)
			p.use(1, 1, 3)
		}, 0},
		{"two threads of which nobody saw one execute", func(t *testing.T, p *processes, o *outstanding) {
			p.allow(t, o, 1, 1, 1, start)
			p.allow(t, o, 1, 2, 1, start)
			p.images[1] = 2
		}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, o := newProcesses()
			tt.do(t, p, o)
			got := 0
			for i := range 30 {
				got += len(o.settle(start.Add(time.Duration(i) * settleInterval)))
			}
			if got != tt.want {
				t.Errorf("%d violations, want %d", got, tt.want)
			}
			if len(o.list) > 0 || len(o.suspects) > 0 || len(p.tokens) > 0 {
				t.Errorf("left over: %v, %v, %v", o.list, o.suspects, p.tokens)
			}
		})
	}
}

func TestAnExecutionThatTakesLongKeepsItsToken(t *testing.T) {
	p, o := newProcesses()
	start := time.Unix(1000, 0)
	p.allow(t, o, 1, 1, 1, start)
	o.settle(start.Add(10 * time.Second))
	if len(p.tokens) != 1 {
		t.Fatal("the token is gone before the execution")
	}
	p.images[1] = 2 // the memory is new, the verifier has not looked yet
	o.settle(start.Add(11 * time.Second))
	if len(p.tokens) != 1 {
		t.Fatal("the token is gone in the middle of the execution")
	}
	p.use(1, 1, 2)
	if got := o.settle(start.Add(12 * time.Second)); len(got) > 0 || len(p.tokens) > 0 {
		t.Errorf("%d violations, tokens %v", len(got), p.tokens)
	}
}

func TestOutstandingTokensAreBounded(t *testing.T) {
	p, o := newProcesses()
	start := time.Unix(1000, 0)
	for i := range int32(maxOutstanding) {
		p.allow(t, o, i+1, i+1, 1, start)
	}
	err := o.put(Token{TGID: 9999, TID: 9999}, "", start.Add(settleAge))
	if !errors.Is(err, errNoRoom) {
		t.Errorf("one token too many: %v", err)
	}
	p.allow(t, o, 1, 1, 1, start) // a thread's own is replaced
	delete(p.images, 7)
	p.allow(t, o, 9999, 9999, 1, start.Add(settleAge)) // one has ended and makes room
}
