//! What expressions are worth, and what is not one.

use hearth_tools::calculate;
use proptest::prelude::*;

fn check(expression: &str, expect: &str) {
    let got = match calculate(expression) {
        Ok(result) if result.exact => result.to_string(),
        Ok(result) => format!("~{result}"),
        Err(error) => error.to_string(),
    };
    assert_eq!(got, expect, "{expression}");
}

#[test]
fn expressions_have_the_value_that_arithmetic_gives_them() {
    check("1 + 2 * 3", "7");
    check("(1 + 2) * 3", "9");
    check("0.1 + 0.2", "0.3");
    check("10 - 4 - 3", "3");
    check("100 / 8 / 2", "6.25");
    check("-2^2", "-4");
    check("(-2)^2", "4");
    check("2^3^2", "512");
    check("2^-2", "0.25");
    check("--3", "3");
    check("17 % 5", "2");
    check("50%", "0.5");
    check("200 * 10%", "20");
    check("200 + 10%", "200.1");
    check("12% of 4,300", "516");
    check("5% - 3", "-2.95");
    check("10%%", "0.001");
    check("1,234,567.89 * 100", "123,456,789");
    check("1_000 + 1'000", "2,000");
    check("(1,204.5 - 980) / 980", "~0.2290816326530612244897959184");
    check("6 × 7 ÷ 2", "21");
    check("5 − 8", "-3");
    check("1/3", "~0.3333333333333333333333333333");
    check(".5 + 1.", "1.5");
}

#[test]
fn functions_take_lists() {
    check("sum(1; 2; 3.5)", "6.5");
    check("sum(1, 2, 3.5)", "6.5");
    check("average(1, 2, 4)", "~2.3333333333333333333333333333");
    check("median(9, 1, 5)", "5");
    check("median(1, 2, 3, 10)", "2.5");
    check("max(3, -7, 2) - min(3, -7, 2)", "10");
    check("round(2.5)", "3");
    check("round(-2.5)", "-3");
    check("round(10 / 3, 2)", "~3.33");
    check("sqrt(144)", "12");
    check("sqrt(2) > 1", "at character 9: expected an operation or the end, found “>”");
    check("abs(-3) + floor(2.9) + ceil(2.1)", "8");
    check("change(80, 100)", "0.25");
    check("SUM((1,200), 1)", "1,201");
}

#[test]
fn errors_say_where_and_what() {
    check("", "at character 1: expected a number, a function or an opening parenthesis, found the end");
    check("2 +", "at character 4: expected a number, a function or an opening parenthesis, found the end");
    check("(2", "at character 3: expected a closing parenthesis, found the end");
    check("2)", "at character 2: expected an operation or the end, found “)”");
    check("2 3", "at character 3: expected an operation or the end, found “3”");
    check("1,20", "at character 1: 1,20 has a comma where no thousand ends; a decimal point is a point");
    check(
        "sum(1,200, 5)",
        "at character 5: 1,200 could be one number or several; leave the comma out, or put a space after it",
    );
    check("1 / (2 - 2)", "at character 3: nothing can be divided by zero");
    check("5 % 0", "at character 3: nothing can be divided by zero");
    check("0^-1", "at character 2: nothing can be divided by zero");
    check("2^0.5", "at character 2: an exponent is a whole number from -512 to 512; for a root use sqrt");
    check("sqrt(-1)", "at character 1: a negative number has no square root");
    check("sqrt(1, 2)", "at character 1: sqrt takes one value");
    check("9^99", "at character 2: the result has more than 28 digits");
    check("€5", "at character 1: expected a number, a function or an opening parenthesis, found “€”");
    check(
        "99999999999999999999999999999999",
        "at character 1: 99999999999999999999999999999999 is not a number of at most 28 digits",
    );
    assert!(calculate("system(1)").unwrap_err().to_string().contains("there is no function system"));
    check(&"(".repeat(500), "the expression is too deep");
    check(&"-".repeat(500), "the expression is too deep");
    check(&"1+".repeat(1500), "the expression is too long");
    check("2^9^9^9^9", "at character 6: an exponent is a whole number from -512 to 512; for a root use sqrt");
}

/// A random expression of whole numbers with the value that Rust's own arithmetic gives it.
fn sums() -> impl Strategy<Value = (String, i128)> {
    let leaf = (0i128..100_000).prop_map(|n| (n.to_string(), n));
    leaf.prop_recursive(5, 40, 2, |inner| {
        (inner.clone(), inner, 0..3).prop_filter_map("in range", |((a, x), (b, y), operation)| {
            let (sign, value) = match operation {
                0 => ("+", x.checked_add(y)?),
                1 => ("-", x.checked_sub(y)?),
                _ => ("*", x.checked_mul(y)?),
            };
            (value.abs() < 10i128.pow(20)).then(|| (format!("({a} {sign} {b})"), value))
        })
    })
}

proptest! {
    #[test]
    fn whole_numbers_agree_with_the_machine((text, value) in sums()) {
        let result = calculate(&text).expect("a value");
        prop_assert!(result.exact);
        prop_assert_eq!(result.value.to_string(), value.to_string());
    }

    #[test]
    fn any_text_ends_in_a_value_or_an_error(text in "[-+*/^%(),;. 0-9a-z_'€of]{0,80}") {
        let _ = calculate(&text);
    }

    #[test]
    fn a_result_reads_as_the_number_it_is(units in -1_000_000_000i64..1_000_000_000, hundredths in 0u8..100) {
        let text = format!("{units}.{hundredths:02}");
        let result = calculate(&text).expect("a value");
        let again = calculate(&result.to_string()).expect("a value");
        prop_assert_eq!(again.value, result.value);
    }

    #[test]
    fn what_is_divided_and_multiplied_back_is_the_same_where_it_was_exact(a in 1i64..1_000_000, b in 1i64..1_000_000) {
        let quotient = calculate(&format!("{a}/{b}")).expect("a value");
        if quotient.exact {
            let back = calculate(&format!("({a}/{b})*{b}")).expect("a value");
            prop_assert_eq!(back.value.to_string(), a.to_string());
        }
    }
}
