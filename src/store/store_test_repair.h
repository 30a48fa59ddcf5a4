/* Makes the checksums of a tampered file image right again, as far as its structure can be
 * followed, so that tests and fuzzers reach the checks behind them. */
#ifndef GCH_STORE_TEST_REPAIR_H
#define GCH_STORE_TEST_REPAIR_H

#include "store_footer.h"

static inline void repair_commit(uint8_t *bytes)
{
    gch__disk_commit commit;
    memcpy(&commit, bytes, sizeof commit);
    if (commit.magic != GCH__MAGIC_COMMIT)
        return;
    commit.checksum = gch__checksum(&commit, offsetof(gch__disk_commit, checksum));
    memcpy(bytes, &commit, sizeof commit);
}

static inline void repair_segment(uint8_t *image, uint64_t size, uint8_t *entry_bytes)
{
    gch__disk_segment entry;
    memcpy(&entry, entry_bytes, sizeof entry);
    if (entry.descriptor_offset > size || entry.descriptor_bytes > size - entry.descriptor_offset ||
        entry.descriptor_bytes < sizeof(gch__disk_descriptor))
        return;
    uint8_t *bytes = image + entry.descriptor_offset;
    gch__disk_descriptor head;
    memcpy(&head, bytes, sizeof head);
    uint64_t table = sizeof head + (uint64_t)head.column_count * sizeof(gch__disk_value);
    uint64_t pages = head.body_bytes / GCH__PAGE_BYTES;
    for (uint64_t page = 0; page < pages && table + 8 <= entry.descriptor_bytes;
         page++, table += 8) {
        uint64_t at = entry.offset + page * GCH__PAGE_BYTES;
        if (at > size || GCH__PAGE_BYTES > size - at)
            break;
        uint64_t sum = gch__checksum(image + at, GCH__PAGE_BYTES);
        memcpy(bytes + table, &sum, sizeof sum);
    }
    entry.descriptor_checksum = gch__checksum(bytes, (size_t)entry.descriptor_bytes);
    memcpy(entry_bytes, &entry, sizeof entry);
}

static inline void repair_footer(uint8_t *image, uint64_t size, const gch__disk_commit *commit)
{
    uint64_t offset = commit->footer_offset, bytes = commit->footer_bytes;
    if (offset > size || bytes > size - offset || bytes < sizeof(gch__disk_footer) + 8)
        return;
    uint8_t *footer = image + offset;
    gch__disk_footer head;
    memcpy(&head, footer, sizeof head);
    uint64_t at = sizeof head + (uint64_t)head.column_count * sizeof(gch__disk_column);
    for (uint32_t s = 0; s < head.segment_count && at + sizeof(gch__disk_segment) <= bytes; s++) {
        repair_segment(image, size, footer + at);
        at += sizeof(gch__disk_segment);
    }
    uint64_t sum = gch__checksum(footer, (size_t)bytes - 8);
    memcpy(footer + bytes - 8, &sum, sizeof sum);
}

static inline void repair_image(uint8_t *image, uint64_t size)
{
    if (size < GCH__PAGE_BYTES)
        return;
    gch__disk_header header;
    memcpy(&header, image, sizeof header);
    header.checksum = gch__checksum(&header, offsetof(gch__disk_header, checksum));
    memcpy(image, &header, sizeof header);
    uint64_t places[3] = {GCH__SLOT_OFFSET(0u), GCH__SLOT_OFFSET(1u), 0};
    size_t count = 2;
    if (size >= GCH__PAGE_BYTES + sizeof(gch__disk_commit))
        places[count++] = size - sizeof(gch__disk_commit);
    for (size_t i = 0; i < count; i++) {
        gch__disk_commit commit;
        memcpy(&commit, image + places[i], sizeof commit);
        if (commit.magic != GCH__MAGIC_COMMIT)
            continue;
        repair_footer(image, size, &commit);
        repair_commit(image + places[i]);
    }
}

#endif
