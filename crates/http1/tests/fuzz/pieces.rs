//! An answer that came in one piece, cut into several.

/// Cuts an answer into pieces of changing lengths, the shortest of one byte.
pub(crate) fn pieces(mut answer: &[u8], cut: u8) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut length = usize::from(cut);
    while !answer.is_empty() {
        length = (length * 31 + 7) % (usize::from(cut) + 2);
        let (piece, rest) = answer.split_at((length + 1).min(answer.len()));
        pieces.push(piece);
        answer = rest;
    }
    pieces
}
