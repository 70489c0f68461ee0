/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of one picture share: in its own units, which are pixels where nobody scales it. */
#ifndef ELFCAST_PLOT_FRAME_H
#define ELFCAST_PLOT_FRAME_H

#define PLOT_UNKNOWN	(-1.0)

#define PLOT_WIDTH	1100.0
#define PLOT_LEFT	250.0
#define PLOT_ROW	15.0
#define PLOT_NAME_CHARS 38u
/* A character of the font's size, as wide as they get on average. */
#define PLOT_CHAR_WIDTH 6.0

#endif
