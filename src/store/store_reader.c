/* Opening and closing files; what is known of them without reading pages.
 *
 * Invariants:
 *  1. An opened file's header, commit, footer, descriptors, upper tree levels and run lists have
 *     been checked whole; everything else is checked page by page when it is first touched.
 *  2. Everything the info points to is owned by the file.
 */
#include "store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- info ---- */

/* Orders values of different kinds and scales; close doubles may tie, which a summary bears. */
static bool is_less(gch_value a, gch_value b)
{
    if (a.kind == GCH_VALUE_DECIMAL && b.kind == GCH_VALUE_DECIMAL)
        return (__int128)a.as.digits * gch__pow10_i64[b.scale] <
               (__int128)b.as.digits * gch__pow10_i64[a.scale];
    return gch_value_to_double(a) < gch_value_to_double(b);
}

/* The range of all blocks: of the top of the tree, and of what a growing one has not put under it
 * yet. */
static void fold_range(const gch__value_column *column, gch_column_info *info)
{
    uint64_t min = UINT64_MAX, max = 0;
    for (uint32_t level = 0; level < column->level_count; level++) {
        uint32_t first =
            level + 1 < column->level_count ? column->level_counts[level + 1] * GCH_TREE_FANOUT : 0;
        for (uint32_t i = first; i < column->level_counts[level]; i++) {
            gch__pair64 pair = gch__tree_pair(column, level, i);
            min = GCH_MIN(min, pair.min);
            max = GCH_MAX(max, pair.max);
        }
    }
    if (min > max)
        return;
    gch_value least = gch__value_from_key(&column->map, min);
    gch_value most = gch__value_from_key(&column->map, max);
    if (info->min.kind == GCH_VALUE_GAP || is_less(least, info->min))
        info->min = least;
    if (info->max.kind == GCH_VALUE_GAP || is_less(info->max, most))
        info->max = most;
}

static void fold_column(const gch_file *file, uint32_t segment_index, uint32_t c,
                        gch_column_info *info)
{
    const gch__segment *segment = &file->segments[segment_index];
    const gch__value_column *column = &segment->columns[c];
    const gch__disk_value *disk = &segment->pages->values[c];
    uint64_t pair_bytes = column->map.is_wide ? sizeof(gch__pair64) : sizeof(gch__pair32);
    info->kind = column->map.kind;
    if (column->map.kind == GCH_VALUE_DECIMAL)
        info->scale = GCH_MAX(info->scale, column->map.scale);
    info->is_wide |= column->map.is_wide;
    info->gap_count += disk->gap_count;
    info->exception_count += column->exception_count;
    info->bytes.payload += disk->payload_bytes;
    info->bytes.headers += column->level_counts[0] * pair_bytes;
    for (uint32_t level = 1; level < column->level_count; level++)
        info->bytes.tree += column->level_counts[level] * pair_bytes;
    info->bytes.directory += (uint64_t)segment->super_count * sizeof(uint32_t);
    info->bytes.validity +=
        (uint64_t)column->gap_super_count * (1u + GCH__BITMAP_WORDS) * sizeof(uint32_t) +
        (uint64_t)column->run_start_count * sizeof(uint32_t);
    info->bytes.exceptions += (uint64_t)column->exception_count * sizeof(gch__exception);
    fold_range(column, info);
}

static void fold_time(const gch__segment *segment, gch_file_info *info)
{
    const gch__disk_descriptor *disk = segment->pages->disk;
    info->affine_run_count += segment->time.run_count;
    info->time_bytes.payload += disk->time_payload_bytes;
    if (segment->time.run_count > 0) {
        info->time_bytes.headers += (uint64_t)segment->time.run_count * sizeof(gch__affine_run);
        return;
    }
    info->time_bytes.headers += (uint64_t)segment->block_count * sizeof(gch__time_line);
    info->time_bytes.directory +=
        (uint64_t)segment->super_count * (sizeof(uint32_t) + sizeof(uint64_t));
}

void gch__file_fill_info(gch_file *file)
{
    const gch__meta *meta = &file->meta;
    file->info = (gch_file_info){
        .path = file->name,
        .format_version = GCH__FORMAT_VERSION,
        .file_bytes = file->size,
        .row_count = meta->row_count,
        .dropped_rows = file->dropped_rows,
        .segment_count = meta->segment_count,
        .page_bytes = GCH__PAGE_BYTES,
        .time_unit = meta->time_unit,
        .time_is_text = meta->time_is_text,
        .time_name = meta->time_name,
        .time_zone = meta->time_zone,
        .source = meta->source,
        .preset = meta->preset,
        .is_point_set = meta->points.curve != GCH_CURVE_DEFAULT,
        .curve = meta->points.curve,
        .x_column = meta->points.x_column,
        .y_column = meta->points.y_column,
        .column_count = meta->column_count,
        .columns = file->columns,
    };
    gch_file_info *info = &file->info;
    for (uint32_t c = 0; c < meta->column_count; c++) {
        const gch__meta_column *column = &meta->columns[c];
        file->columns[c] = (gch_column_info){
            .name = column->name,
            .unit = column->unit,
            .type = column->type,
            .kind = GCH_VALUE_DECIMAL,
            .tolerance = gch__preset_tolerance(meta, c),
        };
        bool all_decimal = true;
        for (uint32_t s = 0; s < meta->segment_count; s++) {
            fold_column(file, s, c, &file->columns[c]);
            all_decimal &= file->columns[c].kind == GCH_VALUE_DECIMAL;
        }
        file->columns[c].fixed_decimals = all_decimal && column->decimals == GCH__DECIMALS_FIXED &&
                                          column->fixed_scale == file->columns[c].scale;
    }
    for (uint32_t s = 0; s < meta->segment_count; s++) {
        fold_time(&file->segments[s], info);
        info->tree_levels = GCH_MAX(info->tree_levels, file->segments[s].columns[0].level_count);
    }
    if (meta->segment_count > 0) {
        info->first_time = file->segments[0].first_time;
        info->last_time = file->segments[meta->segment_count - 1].last_time;
    }
}

/* ---- open and close ---- */

static gch_status open_segments(gch_file *file, gch_error *err)
{
    const gch__meta *meta = &file->meta;
    const gch_allocator *allocator = file->allocator;
    size_t cells, words = 0;
    if (!gch__mul_size(meta->segment_count, meta->column_count, &cells))
        return gch__no_memory(err, "file");
    for (uint32_t s = 0; s < meta->segment_count; s++) {
        const gch__disk_segment *entry = &meta->segments[s];
        words += (size_t)((entry->descriptor_offset - entry->offset) / GCH__PAGE_BYTES) / 64 + 1;
    }
    file->segments =
        gch__alloc_zero(allocator, meta->segment_count, sizeof *file->segments, "file");
    file->pages = gch__alloc_zero(allocator, meta->segment_count, sizeof *file->pages, "file");
    file->value_columns = gch__alloc_zero(allocator, cells, sizeof *file->value_columns, "file");
    file->checked = gch__alloc_zero(allocator, words, sizeof *file->checked, "file");
    if (file->segments == NULL || file->pages == NULL || file->value_columns == NULL ||
        file->checked == NULL)
        return gch__no_memory(err, "file");
    _Atomic uint64_t *checked = file->checked;
    bool asks_ahead = file->is_far && meta->segment_count > 1;
    for (uint32_t s = 0; s < meta->segment_count && asks_ahead; s++)
        gch__file_want(file, meta->segments[s].descriptor_offset,
                       meta->segments[s].descriptor_bytes);
    for (uint32_t s = 0; s < meta->segment_count; s++) {
        const gch__disk_segment *entry = &meta->segments[s];
        GCH_TRY(gch__segment_open_descriptor(file, s, checked, err));
        checked += (entry->descriptor_offset - entry->offset) / GCH__PAGE_BYTES / 64 + 1;
    }
    for (uint32_t s = 0; s < meta->segment_count && asks_ahead; s++)
        gch__segment_want_arrays(file, s);
    for (uint32_t s = 0; s < meta->segment_count; s++)
        GCH_TRY(gch__segment_open_arrays(file, s, err));
    return GCH_OK;
}

static gch_status open_image(gch_file *file, gch_error *err)
{
    GCH_TRY(gch__file_need(file, 0, GCH_MIN(file->size, (uint64_t)GCH__PAGE_BYTES), err));
    GCH_TRY(gch__header_check(file->name, file->image, file->size, err));
    GCH_TRY(gch__file_need(file, file->size - sizeof file->commit, sizeof file->commit, err));
    GCH_TRY(gch__commit_find(file->name, file->image, file->size, &file->commit, err));
    GCH_TRY(gch__file_need(file, file->commit.footer_offset, file->commit.footer_bytes, err));
    file->meta.allocator = file->allocator;
    GCH_TRY(gch__footer_parse(file->name, file->image, &file->commit, &file->meta, err));
    file->columns =
        gch__alloc_zero(file->allocator, file->meta.column_count, sizeof *file->columns, "file");
    if (file->columns == NULL)
        return gch__no_memory(err, "file");
    GCH_TRY(open_segments(file, err));
    gch__file_fill_info(file);
    return GCH_OK;
}

static gch_status make_file(const gch_allocator *allocator, const char *name, gch_file **out,
                            gch_error *err)
{
    gch_file *file = gch__alloc_zero(allocator, 1, sizeof *file, "file");
    if (file == NULL)
        return gch__no_memory(err, "file");
    file->allocator = allocator;
    file->name = gch__copy_text(allocator, name, strlen(name), "file");
    *out = file;
    return file->name != NULL ? GCH_OK : gch__no_memory(err, "file");
}

gch_status gch__file_open_fd(int fd, const char *path, const gch_allocator *allocator,
                             gch_file **out, gch_error *err)
{
    gch_file *file = NULL;
    struct stat info;
    gch_status status = make_file(allocator, path, &file, err);
    if (status != GCH_OK)
        goto cleanup;
    if (fstat(fd, &info) != 0) {
        status = gch_fail(err, GCH_IO, "%s: %s", path, strerror(errno));
        goto cleanup;
    }
    if (!S_ISREG(info.st_mode)) {
        status = gch_fail(err, GCH_IO, "%s: not a regular file", path);
        goto cleanup;
    }
    if (info.st_size == 0) {
        status = gch_fail(err, GCH_CORRUPT, "%s: the file is empty", path);
        goto cleanup;
    }
    void *image = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (image == MAP_FAILED) {
        status = gch_fail(err, GCH_IO, "%s: cannot map: %s", path, strerror(errno));
        goto cleanup;
    }
    file->image = image;
    file->size = (uint64_t)info.st_size;
    file->map = image;
    file->is_whole = true;
    status = open_image(file, err);
    if (status == GCH_OK) {
        *out = file;
        return GCH_OK;
    }

cleanup:
    gch__file_close(file);
    return status;
}

gch_status gch__file_open(const char *path, const gch__file_desc *desc, gch_file **out,
                          gch_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return gch_fail(err, errno == ENOENT ? GCH_NOT_FOUND : GCH_IO, "%s: %s", path,
                        strerror(errno));
    gch_status status =
        gch__file_open_fd(fd, path, desc != NULL ? desc->allocator : NULL, out, err);
    close(fd); /* the map stays */
    return status;
}

gch_status gch__file_open_memory(const void *bytes, size_t byte_count, const char *name,
                                 const gch__file_desc *desc, gch_file **out, gch_error *err)
{
    if ((uintptr_t)bytes % GCH__ALIGN != 0)
        return gch_fail(err, GCH_INVALID, "%s: the image is not 64-byte aligned", name);
    if (byte_count == 0)
        return gch_fail(err, GCH_CORRUPT, "%s: the file is empty", name);
    gch_file *file = NULL;
    gch_status status = make_file(desc != NULL ? desc->allocator : NULL, name, &file, err);
    if (status == GCH_OK) {
        file->image = bytes;
        file->size = byte_count;
        file->is_whole = true;
        status = open_image(file, err);
    }
    if (status != GCH_OK) {
        gch__file_close(file);
        return status;
    }
    *out = file;
    return GCH_OK;
}

/* ---- paged images ---- */

gch_status gch__file_need(const gch_file *file, uint64_t offset, uint64_t count, gch_error *err)
{
    if (file->reader == NULL || count == 0)
        return GCH_OK;
    uint64_t first = offset / GCH__PAGE_BYTES, last = (offset + count - 1) / GCH__PAGE_BYTES;
    return file->pager.ensure(file->pager.context, first, last - first + 1, file->reader, err);
}

void gch__file_want(const gch_file *file, uint64_t offset, uint64_t count)
{
    file->reader->mode = GCH__READ_NO_WAIT;
    (void)!gch__file_need(file, offset, count, NULL); /* it is asked for again, and waited for */
    file->reader->mode = GCH__READ_BLOCK;
}

/* Pages outside of bodies carry checksums of their own, which their readers check. */
static gch_status check_paged(void *context, uint64_t page, const uint8_t *bytes, gch_error *err)
{
    const gch_file *file = context;
    uint64_t offset = page * GCH__PAGE_BYTES;
    uint32_t low = 0, high = file->pages != NULL ? file->meta.segment_count : 0;
    while (low < high) { /* the last segment that starts here or before */
        uint32_t middle = low + (high - low) / 2;
        if (file->meta.segments[middle].offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return GCH_OK;
    const struct gch__segment_pages *pages = &file->pages[low - 1];
    if (pages->checksums == NULL || offset - pages->offset >= pages->body_bytes)
        return GCH_OK;
    if (gch__checksum(bytes, GCH__PAGE_BYTES) !=
        pages->checksums[(offset - pages->offset) / GCH__PAGE_BYTES])
        return gch_fail(err, GCH_CORRUPT,
                        "%s: the page at byte %llu is damaged: its checksum does not match",
                        file->name, (unsigned long long)offset);
    return GCH_OK;
}

gch_status gch__file_open_paged(const gch__paged_image *image, const gch_allocator *allocator,
                                gch__page_check *out_check, gch_file **out, gch_error *err)
{
    if (image->byte_count == 0)
        return gch_fail(err, GCH_CORRUPT, "%s: the file is empty", image->name);
    gch_file *file = NULL;
    gch_status status = make_file(allocator, image->name, &file, err);
    if (status == GCH_OK) {
        *out_check = (gch__page_check){.verify = check_paged, .context = file};
        file->image = image->bytes;
        file->size = image->byte_count;
        file->is_whole = image->is_whole;
        file->is_far = image->is_far;
        file->pager = image->pager;
        status = file->pager.make_reader(file->pager.context, &file->reader, err);
    }
    if (status == GCH_OK) {
        file->pager.begin_reader(file->reader, GCH__READ_BLOCK, GCH__PRIORITY_VISIBLE);
        status = open_image(file, err);
    }
    if (status != GCH_OK) {
        gch__file_close(file);
        return status;
    }
    *out = file;
    return GCH_OK;
}

gch_status gch__file_make_reader(const gch_file *file, gch__reader **out, gch_error *err)
{
    *out = NULL;
    if (file->reader == NULL)
        return GCH_OK;
    return file->pager.make_reader(file->pager.context, out, err);
}

void gch__file_begin_reader(const gch_file *file, gch__reader *reader, gch__read_mode mode,
                            gch__priority priority)
{
    if (reader != NULL)
        file->pager.begin_reader(reader, mode, priority);
}

void gch__file_end_reader(const gch_file *file, gch__reader *reader)
{
    if (reader != NULL)
        file->pager.end_reader(reader);
}

void gch__file_destroy_reader(const gch_file *file, gch__reader *reader)
{
    if (reader != NULL)
        file->pager.destroy_reader(reader);
}

void gch__file_close(gch_file *file)
{
    if (file == NULL)
        return;
    const gch_allocator *allocator = file->allocator;
    gch__file_destroy_reader(file, file->reader);
    gch__live_file_reset(file);
    if (file->map != NULL)
        munmap(file->map, (size_t)file->size);
    gch__meta_reset(&file->meta);
    gch__free(allocator, file->columns, "file");
    gch__free(allocator, file->segments, "file");
    gch__free(allocator, file->pages, "file");
    gch__free(allocator, file->value_columns, "file");
    gch__free(allocator, (void *)file->checked, "file");
    gch__free(allocator, file->name, "file");
    gch__free(allocator, file, "file");
}

const gch_file_info *gch_file_get_info(const gch_file *file)
{
    return &file->info;
}

uint32_t gch_file_find_column(const gch_file *file, const char *name)
{
    for (uint32_t c = 0; c < file->info.column_count; c++) {
        if (strcmp(file->columns[c].name, name) == 0)
            return c;
    }
    return GCH_COLUMN_NOT_FOUND;
}

uint32_t gch__file_segment_count(const gch_file *file)
{
    return file->meta.segment_count;
}

const gch__segment *gch__file_segment(const gch_file *file, uint32_t index)
{
    return &file->segments[index];
}

uint64_t gch__file_generation(const gch_file *file)
{
    return file->generation;
}

uint64_t gch__file_base_number(const gch_file *file)
{
    return file->base_number;
}

const gch_allocator *gch__file_allocator(const gch_file *file)
{
    return file->allocator;
}
