package obs

import "sync/atomic"

// A hold keeps what Close gives back from being freed while others still use it: the last one frees it.
type hold struct {
	count  atomic.Int64 // those who use it, and one more until it is closed
	closed atomic.Bool
	free   func()
}

func newHold(free func()) *hold {
	made := &hold{free: free}
	made.count.Store(1)
	return made
}

// enter says whether it may be used; leave afterwards.
func (h *hold) enter() bool {
	for !h.closed.Load() {
		count := h.count.Load()
		if count == 0 {
			break
		}
		if h.count.CompareAndSwap(count, count+1) {
			return true
		}
	}
	return false
}

func (h *hold) leave() {
	if h.count.Add(-1) == 0 {
		h.free()
	}
}

func (h *hold) close() {
	if !h.closed.Swap(true) {
		h.leave()
	}
}
