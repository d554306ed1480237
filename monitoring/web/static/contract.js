/**
 * What the server sends, as types; monitoring/panels/panel.py says what each field means.
 *
 * @typedef {string | number | null} Cell
 * @typedef {"text" | "state" | "count" | "number" | "share" | "code"} PlainUnit
 * @typedef {PlainUnit | "mbps" | "per_s" | "per_h" | "s" | "time" | "mb"} Unit
 * @typedef {"" | "good" | "warn" | "bad"} Tone
 *
 * @typedef {object} Source
 * @property {string} text
 * @property {string[]} files
 *
 * @typedef {object} Fact
 * @property {string} key
 * @property {string} title
 * @property {Cell} value
 * @property {Unit} unit
 * @property {number | null} low
 * @property {number | null} high
 * @property {string} note
 * @property {Tone} tone
 * @property {string} link
 *
 * @typedef {object} Facts
 * @property {"facts"} kind
 * @property {Fact[]} facts
 *
 * @typedef {object} Column
 * @property {string} key
 * @property {string} title
 * @property {Unit} unit
 * @property {string} link
 * @property {string} note
 * @property {boolean} bar
 * @property {string} tone
 * @property {boolean} sort
 *
 * @typedef {object} Paging
 * @property {number} total
 * @property {number} offset
 * @property {number} limit
 * @property {string} sort
 * @property {boolean} descending
 *
 * @typedef {object} Table
 * @property {"table"} kind
 * @property {Column[]} columns
 * @property {Cell[][]} rows
 * @property {string} empty
 * @property {Paging | null} paging
 *
 * @typedef {object} Line
 * @property {string} key
 * @property {string} title
 * @property {(number | null)[]} values
 * @property {"" | "limit" | "state"} role
 *
 * @typedef {object} Mark
 * @property {number} at
 * @property {string} text
 * @property {"edit" | "decision"} kind
 *
 * @typedef {object} Plot
 * @property {"plot"} kind
 * @property {Unit} unit
 * @property {number} bin_s
 * @property {number[]} starts
 * @property {Line[]} lines
 * @property {Mark[]} marks
 * @property {boolean} stacked
 * @property {string} empty
 *
 * @typedef {object} Text
 * @property {"text"} kind
 * @property {string[]} lines
 * @property {string} empty
 *
 * @typedef {Facts | Table | Plot | Text} Content
 *
 * @typedef {object} Panel
 * @property {string} key
 * @property {string} title
 * @property {string} lead
 * @property {Source} source
 * @property {Content} content
 * @property {string} group
 * @property {Tone} tone
 *
 * @typedef {object} Crumb
 * @property {string} title
 * @property {string} link
 *
 * @typedef {object} Page
 * @property {string} path
 * @property {string} title
 * @property {Crumb[]} crumbs
 * @property {number} at
 * @property {number | null} heard_at
 * @property {Panel[]} panels
 *
 * @typedef {object} Changes
 * @property {number} at
 * @property {number | null} heard_at
 * @property {Panel[]} panels
 */

/** Job states in the order of display: what a person looks for first comes first. */
export const JOB_STATES = ["held", "failed", "running", "idle", "pending", "done"];
