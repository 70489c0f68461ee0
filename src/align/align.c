/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Anchors first: keys that both files have, and rows of sizes that stand once in both. The heaviest
 * chain of them that is in order holds; what contradicts it falls. Between two of them, sizes
 * are aligned one by one (align-between.c), within a bound of work. How sure each is tell its
 * neighbours.
 */
#include <errno.h>
#include <string.h>

#include "align-private.h"
#include "bounds.h"

/* ---- rows of sizes ---- */

#define ROW	 5u /* units: 30 bits that tell, or so */
#define NOT_ONCE (UINT32_MAX - 1)

/* What stands once on a side, by key: open addressing, half full at most. */
struct once {
	struct slot {
		uint64_t key;	   /* 0: free */
		uint32_t old, new; /* ALIGN_NONE, NOT_ONCE */
		bool is_constant;
	} * slots;
	size_t mask;
};

static int once_init(struct once *o, size_t n)
{
	size_t size = 64;

	while (size < 2 * n)
		size *= 2;
	o->slots = calloc(size, sizeof(*o->slots));
	o->mask = size - 1;
	return o->slots ? 0 : -ENOMEM;
}

static struct slot *once_find(struct once *o, uint64_t key)
{
	uint64_t i = key * 0x9e3779b97f4a7c15u >> 20;

	for (;; i++) {
		struct slot *s = &o->slots[i & o->mask];

		if (s->key == key)
			return s;
		if (s->key)
			continue;
		*s = (struct slot){ key, ALIGN_NONE, ALIGN_NONE, false };
		return s;
	}
}

static void note(uint32_t *place, size_t i)
{
	*place = *place == ALIGN_NONE ? (uint32_t)i : NOT_ONCE;
}

#define KEY_KEY ((uint64_t)1 << 63)
#define ROW_KEY ((uint64_t)1 << 62)

/* Sizes of the ROW units that end with one whose sizes so far are in KEY. */
static uint64_t push_code(uint64_t key, uint8_t code)
{
	return (key << 8 | code) & (((uint64_t)1 << 8 * ROW) - 1);
}

static void note_old(struct once *o, const struct old_code *c)
{
	uint64_t key = 0;
	size_t n = 0;

	for (size_t i = 0; i < c->n_units; i++) {
		const struct old_unit *u = &c->units[i];

		n = u->is_first ? 1 : n + 1;
		key = push_code(key, u->code);
		if (n >= ROW)
			note(&once_find(o, ROW_KEY | key)->old, i);
	}
	for (size_t i = 0; i < c->n_keys; i++)
		note(&once_find(o, KEY_KEY | c->keys[i].hash)->old, c->keys[i].unit);
}

static void note_new(struct once *o, const struct layout *l)
{
	uint64_t key = 0;

	for (size_t i = 0; i < l->n_units; i++) {
		key = push_code(key, l->units[i].code);
		if (i + 1 >= ROW)
			note(&once_find(o, ROW_KEY | key)->new, i);
	}
	for (size_t i = 0; i < l->n_keys; i++) {
		struct slot *s = once_find(o, KEY_KEY | l->keys[i].hash);

		note(&s->new, l->keys[i].unit);
		s->is_constant = l->keys[i].is_constant;
	}
}

unsigned code_distance(uint8_t a, uint8_t b)
{
	if (unit_is_gap(a) != unit_is_gap(b))
		return UINT8_MAX;
	return (unsigned)(a > b ? a - b : b - a);
}

/* ---- anchors ---- */

/* A constant alone is believed of a function that has kept its size, about. */
static bool is_believed(const struct aligner *a, const struct slot *s)
{
	return !s->is_constant ||
	       code_distance(a->code->units[s->old].code, a->to->units[s->new].code) <= 2;
}

static int add_anchor(struct aligner *a, uint32_t old, uint32_t new, unsigned weight,
		      bool is_key)
{
	if (VEC_RESERVE_ONE(a->anchors, a->n_anchors, a->anchors_capacity) < 0)
		return -ENOMEM;
	a->anchors[a->n_anchors++] = (struct anchor){ old, new, weight, is_key };
	return 0;
}

static int compare_anchors(const void *a, const void *b)
{
	const struct anchor *x = a, *y = b;

	if (x->old != y->old)
		return x->old < y->old ? -1 : 1;
	return x->new < y->new ? -1 : x->new > y->new;
}

static int find_anchors(struct aligner *a)
{
	_cleanup_free_ struct slot *slots = NULL;
	struct once o;
	int r = once_init(&o, a->code->n_units + a->to->n_units + a->code->n_keys +
				      a->to->n_keys);

	if (r < 0)
		return r;
	slots = o.slots;
	note_old(&o, a->code);
	note_new(&o, a->to);
	for (size_t i = 0; r == 0 && i <= o.mask; i++) {
		const struct slot *s = &slots[i];
		bool is_key = s->key & KEY_KEY;

		if (!s->key || s->old >= NOT_ONCE || s->new >= NOT_ONCE)
			continue;
		if (is_key)
			r = add_anchor(a, s->old, s->new, s->is_constant ? 2 : 4,
				       is_believed(a, s));
		for (uint32_t k = 0; r == 0 && k < ROW && !is_key; k++)
			r = add_anchor(a, s->old - k, s->new - k, 1, false);
	}
	if (a->n_anchors > 1)
		qsort(a->anchors, a->n_anchors, sizeof(*a->anchors), compare_anchors);
	return r;
}

/* What is there several times is one, so much heavier. */
static void join_anchors(struct aligner *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n_anchors; i++) {
		struct anchor *last = n ? &a->anchors[n - 1] : NULL;

		if (last && last->old == a->anchors[i].old &&
		    last->new == a->anchors[i].new) {
			last->weight += a->anchors[i].weight;
			last->is_key |= a->anchors[i].is_key;
		} else {
			a->anchors[n++] = a->anchors[i];
		}
	}
	a->n_anchors = n;
}

/* ---- the heaviest chain ---- */

/* A tree over new numbers: the best chain that ends at or before one (Fenwick). */
struct best {
	uint32_t weight;
	uint32_t anchor; /* plus 1 */
};

static struct best best_until(const struct best *tree, size_t i)
{
	struct best best = { 0 };

	for (; i > 0; i -= i & -i)
		if (tree[i].weight > best.weight)
			best = tree[i];
	return best;
}

static void best_add(struct best *tree, size_t n, size_t i, struct best b)
{
	for (; i <= n; i += i & -i)
		if (b.weight > tree[i].weight)
			tree[i] = b;
}

/*
 * Keeps the anchors of the heaviest chain that ascends in both files. Of one old unit's several
 * the one with the greatest new number is seen first, so that no two of them follow each other.
 */
static int keep_chain(struct aligner *a)
{
	size_t n = a->to->n_units;
	_cleanup_free_ struct best *tree = calloc(n + 1, sizeof(*tree));
	_cleanup_free_ uint32_t *before = calloc(a->n_anchors + 1, sizeof(*before));
	_cleanup_free_ bool *kept = calloc(a->n_anchors + 1, sizeof(*kept));
	size_t k = 0;

	if (!tree || !before || !kept)
		return -ENOMEM;
	for (size_t i = 0, end; i < a->n_anchors; i = end) {
		for (end = i + 1;
		     end < a->n_anchors && a->anchors[end].old == a->anchors[i].old;)
			end++;
		for (size_t j = end; j-- > i;) {
			struct best b = best_until(tree, a->anchors[j].new);

			before[j] = b.anchor;
			b.weight += a->anchors[j].weight;
			b.anchor = (uint32_t)j + 1;
			best_add(tree, n, a->anchors[j].new + 1u, b);
		}
	}
	for (uint32_t j = best_until(tree, n).anchor; j > 0; j = before[j - 1])
		kept[j - 1] = true;
	for (size_t i = 0; i < a->n_anchors; i++) {
		struct old_unit *u = &a->code->units[a->anchors[i].old];

		/* Out of order, a key alone is believed: functions were sorted anew. */
		if (a->anchors[i].is_key && !u->has_key) {
			u->has_key = true;
			u->to = a->anchors[i].new;
		}
		if (kept[i])
			a->anchors[k++] = a->anchors[i];
	}
	a->n_anchors = k;
	return 0;
}

/* From a unit with a key on, those beside it as long as they are alike. */
static void extend(struct aligner *a, size_t from, bool back)
{
	struct old_unit *u = a->code->units;
	size_t to = u[from].to;

	for (size_t i = from;;) {
		if (back ? u[i].is_first || i == 0 || to == 0
			 : i + 1 == a->code->n_units || u[i + 1].is_first ||
				    to + 1 == a->to->n_units)
			return;
		i += back ? -1 : 1;
		to += back ? -1 : 1;
		if (u[i].to != ALIGN_NONE ||
		    code_distance(u[i].code, a->to->units[to].code) > 1)
			return;
		u[i].to = (uint32_t)to;
	}
}

static int align_all(struct aligner *a)
{
	struct range range = { 0 };
	int r = 0;

	for (size_t i = 0; i < a->n_anchors; i++)
		a->code->units[a->anchors[i].old].to = a->anchors[i].new;
	for (size_t i = 0; i < a->code->n_units; i++)
		if (a->code->units[i].has_key) {
			extend(a, i, true);
			extend(a, i, false);
		}
	for (size_t i = 0; r == 0 && i <= a->n_anchors; i++) {
		bool is_last = i == a->n_anchors;

		range.old_end = is_last ? a->code->n_units : a->anchors[i].old;
		range.new_end = is_last ? a->to->n_units : a->anchors[i].new;
		r = align_between(a, &range);
		if (is_last)
			break;
		range.old = range.old_end + 1;
		range.new = range.new_end + 1;
	}
	return r;
}

/* ---- how sure ---- */

#define AROUND	 4u
#define FAR	 64u
#define VOUCHING (ALIGN_SURE * 3 / 4)
#define VOUCHED	 (ALIGN_SURE * 7 / 8)

/* Of 4: 4 the same size, fewer for a similar one. */
static unsigned likeness(const struct old_unit *u, const struct layout *l)
{
	if (u->to == ALIGN_NONE)
		return 0;
	return u->has_key ? 4 : 4 - MIN(4u, code_distance(u->code, l->units[u->to].code));
}

/* Neighbours vouch for each other: those that lie side by side in both files. */
static unsigned support(const struct aligner *a, size_t i)
{
	const struct old_unit *u = a->code->units;
	size_t first = i, end = i + 1;
	unsigned sum = 0, n = 0;

	while (first > 0 && i - first < AROUND && !u[first].is_first)
		first--;
	while (end < a->code->n_units && end - i <= AROUND && !u[end].is_first)
		end++;
	for (size_t k = first; k < end; k++) {
		unsigned like = likeness(&u[k], a->to);

		if (like && k != i) {
			size_t apart = k > i ? k - i : i - k;
			uint32_t new_apart = k > i ? u[k].to - u[i].to : u[i].to - u[k].to;

			like = new_apart <= 2 * apart ? like : 0;
		}
		sum += k == i ? 2 * like : like;
		n += k == i ? 2 : 1;
	}
	if (u[i].has_key)
		return ALIGN_SURE;
	/* A short row has fewer to vouch: as if more were there that do not. */
	return ALIGN_SURE * sum / (4 * MAX(n, 7));
}

/* How far two numbers are apart. */
static uint64_t apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Whether unit I is as far from unit K in the new file as in the old one, about. */
static bool is_in_place(const struct aligner *a, size_t i, size_t k)
{
	const struct old_unit *u = a->code->units;
	uint64_t old = apart(u[i].off, u[k].off);
	uint64_t new = apart(a->to->units[u[i].to].off, a->to->units[u[k].to].off);

	return (u[i].to > u[k].to) == (i > k) && apart(old, new) <= 512 + old / 32;
}

/* The nearest units on both sides that are sure enough to vouch for what is between them. */
static bool is_vouched_for(const struct aligner *a, size_t i, const unsigned *sure)
{
	size_t before = i, after = i;

	while (before > 0 && i - before < FAR && (before == i || sure[before] < VOUCHING))
		before--;
	while (after < a->code->n_units && after - i < FAR &&
	       (after == i || sure[after] < VOUCHING))
		after++;
	return (before != i && sure[before] >= VOUCHING && is_in_place(a, i, before)) ||
	       (after < a->code->n_units && sure[after] >= VOUCHING &&
		is_in_place(a, i, after));
}

static int set_sure(struct aligner *a)
{
	_cleanup_free_ unsigned *sure = calloc(a->code->n_units + 1, sizeof(*sure));
	struct old_unit *u = a->code->units;

	if (!sure)
		return -ENOMEM;
	for (size_t i = 0; i < a->code->n_units; i++)
		if (u[i].to != ALIGN_NONE)
			sure[i] = support(a, i);
	for (size_t i = 0; i < a->code->n_units; i++) {
		u[i].sure = sure[i];
		if (sure[i] > 0 && sure[i] < VOUCHED && likeness(&u[i], a->to) >= 3 &&
		    is_vouched_for(a, i, sure))
			u[i].sure = VOUCHED;
	}
	return 0;
}

int align_code(struct old_code *c, const struct layout *to)
{
	struct aligner a = { .code = c, .to = to, .cells = LIMIT_ALIGN_CELLS };
	int r;

	if (to->n_units >= NOT_ONCE || c->n_units >= NOT_ONCE)
		return -E2BIG;
	count_codes(&a);
	r = find_anchors(&a);
	join_anchors(&a);
	if (r == 0)
		r = keep_chain(&a);
	if (r == 0)
		r = align_all(&a);
	if (r == 0)
		r = set_sure(&a);
	if (r == 0 && c->n_calls)
		r = align_calls(&a);
	free(a.anchors);
	return r;
}
