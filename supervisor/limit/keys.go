package limit

import "fmt"

// slot finds or makes a key's slot and locks it.
func (s *Store) slot(key string) (*slot, error) {
	for {
		s.keysMu.Lock()
		sl := s.keys[key]
		if sl == nil {
			if len(s.keys) >= MaxKeys {
				if err := s.sweep(); err != nil {
					s.keysMu.Unlock()
					return nil, err
				}
			}
			sl = &slot{w: &window{}}
			s.keys[key] = sl
		}
		s.keysMu.Unlock()
		sl.mu.Lock()
		if !sl.gone {
			return sl, nil
		}
		sl.mu.Unlock()
	}
}

// sweep forgets keys in whose windows there is nothing any more. The table is
// locked; keys that are being used are left.
func (s *Store) sweep() error {
	now, err := s.time.now()
	if err != nil {
		return err
	}
	records := map[string][]byte{}
	var dead []*slot
	for key, sl := range s.keys {
		if !sl.mu.TryLock() {
			continue
		}
		if sl.w != nil {
			sl.w.expire(now)
		}
		if sl.w == nil || len(sl.w.entries) > 0 {
			sl.mu.Unlock()
			continue
		}
		records[key] = nil
		dead = append(dead, sl)
	}
	if len(dead) > 0 {
		err = s.group.write(records)
	} else {
		err = fmt.Errorf("%d: %w", len(s.keys), ErrKeys)
	}
	for _, sl := range dead {
		sl.gone = err == nil
		sl.mu.Unlock()
	}
	if err == nil {
		for key := range records {
			delete(s.keys, key)
		}
	}
	return err
}

// Remove forgets a key, damaged or not: its whole budget is there again.
func (s *Store) Remove(key string) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	s.keysMu.Lock()
	defer s.keysMu.Unlock()
	sl := s.keys[key]
	if sl == nil {
		return nil
	}
	sl.mu.Lock()
	defer sl.mu.Unlock()
	if err := s.group.commit(key, nil); err != nil {
		return fmt.Errorf("remove %q: %w", key, err)
	}
	sl.gone = true
	delete(s.keys, key)
	return nil
}
