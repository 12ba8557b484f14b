package limit

import (
	"encoding/binary"
	"hash/crc64"
	"maps"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// sum stands for all records of keys, whatever their order. It is written with
// them: pages that were damaged so that they can still be read may leave out what
// was used, or say less of it, and that must not be believed.
type sum struct {
	records uint64
	sums    uint64 // of each record, one upon the other
}

// of is a record's part of a sum.
func (s *sum) of(name, record []byte) uint64 {
	table := crc64.MakeTable(crc64.ECMA)
	return crc64.Update(crc64.Checksum(binary.AppendUvarint(nil, uint64(len(name))), table), table, slices.Concat(name, record))
}

func (s *sum) add(name, record []byte) {
	s.records++
	s.sums ^= s.of(name, record)
}

func (s *sum) remove(name, record []byte) {
	s.records--
	s.sums ^= s.of(name, record)
}

func (s *sum) encode() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, s.records), s.sums)
}

// put writes the records of a transaction, the time of it and their sum.
func (s *sum) put(tx *bolt.Tx, now anchor, records map[string][]byte) error {
	b, err := tx.CreateBucketIfNotExists([]byte(bucket))
	if err != nil {
		return err
	}
	// In their order: the database moves all that lies behind a new key.
	for _, key := range slices.Sorted(maps.Keys(records)) {
		name, record := append([]byte{windowPrefix}, key...), records[key]
		if old := b.Get(name); old != nil {
			s.remove(name, old)
		}
		if record == nil {
			err = b.Delete(name)
		} else {
			s.add(name, record)
			err = b.Put(name, record)
		}
		if err != nil {
			return err
		}
	}
	if err := b.Put([]byte(anchorKey), encodeAnchor(now)); err != nil {
		return err
	}
	return b.Put([]byte(sumKey), s.encode())
}
