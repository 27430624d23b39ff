//! Which of many texts say most of the whole: near to what all are about, and apart from each other.

/// Weight of being apart from what was chosen before, against being near to the middle (maximal marginal relevance,
/// Carbonell and Goldstein 1998).
const APART: f32 = 0.5;

/// The indices of up to `most` vectors of equal length, in order of choice: each time the one nearest to the middle of all
/// and least like those chosen before. Ties go to the earlier one.
pub fn central(vectors: &[Vec<f32>], most: usize) -> Vec<usize> {
    let width = vectors.first().map_or(0, Vec::len);
    let mut middle = vec![0f32; width];
    for vector in vectors {
        middle.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x);
    }
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < most.min(vectors.len()) {
        let value = |i: usize| {
            let near = vectors.get(i).map_or(0.0, |v| cosine(v, &middle));
            let alike = chosen.iter().filter_map(|c| Some(cosine(vectors.get(i)?, vectors.get(*c)?)));
            (1.0 - APART) * near - APART * alike.fold(0.0, f32::max)
        };
        let left = (0..vectors.len()).filter(|i| !chosen.contains(i)).map(|i| (i, value(i)));
        let Some((best, _)) = left.reduce(|best, other| if other.1 > best.1 { other } else { best }) else { break };
        chosen.push(best);
    }
    chosen
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let norms = (dot(a, a) * dot(b, b)).sqrt();
    if norms > 0.0 { dot(a, b) / norms } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_comes_first_and_then_what_is_unlike_it() {
        let vectors = [vec![1.0, 0.1], vec![1.0, 0.0], vec![0.0, 1.0], vec![1.0, 0.2]];
        assert_eq!(central(&vectors, 2), [3, 2]);
        assert_eq!(central(&vectors, 9).len(), 4);
        assert!(central(&[], 3).is_empty());
        assert_eq!(central(&[vec![0.0], vec![0.0]], 1), [0], "texts without a direction are taken in order");
    }
}
